// The pages by name, and the emblem: what the frame shows that the server sends and the one that the scripts draw.

/** The pages, in the order of the navigation. */
export const pages = [
  { page: "now", name: "Now" },
  { page: "messages", name: "Messages" },
  { page: "queue", name: "Queue" },
  { page: "explain", name: "Explain" },
  { page: "configuration", name: "Configuration" },
  { page: "forensics", name: "Forensics" },
] as const

/** A post with two boards, in a square of 32. */
export const emblem = "M15 3h2v26h-2zM6 7h17l4 4-4 4H6zM26 17H10l-4 3.5 4 3.5h16z"
