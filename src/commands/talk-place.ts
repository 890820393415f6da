// Where to connect, as people write it.

export type Place = { readonly host: string; readonly port: number }

/** HOST, HOST:PORT, [ADDRESS]:PORT or an IPv6 address alone; the port is 25 unless it is written. Undefined: none of these. */
export function parsePlace(text: string): Place | undefined {
  const bracketed = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(text)
  const plain = /^([^:]+)(?::(\d{1,5}))?$/.exec(text)
  const [, host, port = "25"] = bracketed ?? plain ?? (/^[0-9A-Fa-f:.]+$/.test(text) ? [text, text] : [])
  if (host === undefined || /\s/.test(host) || Number(port) > 65535 || Number(port) === 0) return undefined
  return { host, port: Number(port) }
}

/** As it is read back by parsePlace. */
export function printPlace({ host, port }: Place): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`
}
