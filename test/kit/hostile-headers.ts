// Headers that are made to be slow to read, or to fill memory: each of as many octets as are asked for.

const hop =
  "Received: from a.b.c (d.e.f [1.2.3.4]) by g.h.i (Postfix) with ESMTP id 12345678; Mon, 1 Jan 2024 00:00:00 +0000\n"

/** By name; none ends in a blank line. */
export const hostile: Readonly<Record<string, (octets: number) => string>> = {
  "one field of many words": (n) => `Received: ${"a ".repeat(n / 2)}\n`,
  "comments in comments": (n) => `Received: from a ${"(".repeat(n)}\n`,
  "brackets left open": (n) => `Received: from a ${"[".repeat(n)}\n`,
  "quotes and angles": (n) => `Received: from a ${'" <'.repeat(n / 3)}\n`,
  semicolons: (n) => `Received: from a ${"; Mon ".repeat(n / 6)}\n`,
  "many hops": (n) => hop.repeat(n / hop.length),
  "5,000 hops": (n) => hop.repeat(n < 1e7 ? 2500 : 5000),
  "hops of many comments": (n) =>
    `Received: from a ${"(x) ".repeat(500)} by b; Mon, 1 Jan 2024 00:00:00 +0000\n`.repeat(n / 2060),
  "hops of many nested comments": (n) =>
    `Received: from a (${"(x) ".repeat(500)}) by b; Mon, 1 Jan 2024 00:00:00 +0000\n`.repeat(n / 2060),
  "hops of many words": (n) =>
    `Received: from ${"a by x id ".repeat(200)}; Mon, 1 Jan 2024 00:00:00 +0000\n`.repeat(n / 2060),
  "tiny fields": (n) => "a:\n".repeat(n / 3),
  "many authors": (n) => `From: ${"a@b,".repeat(n / 4)}\n`,
  "many From fields": (n) => 'From: "x@y" <a@b.c>\n'.repeat(n / 20),
  "many results": (n) => "Authentication-Results: x; spf=pass smtp.mailfrom=a;\n".repeat(n / 53),
  "results of many methods": (n) =>
    `Authentication-Results: x; ${"spf=pass smtp.mailfrom=a;".repeat(600)}\n`.repeat(n / 15_030),
  "many signatures": (n) => `DKIM-Signature: v=1; d=${"a=b;".repeat(3000)}\n`.repeat(n / 12_020),
  "many seals": (n) => "ARC-Seal: i=1; cv=none\n".repeat(n / 23),
  "many folds": (n) => `Received: from a\n${" b\n".repeat(n / 3)}`,
  "clauses again and again": (n) => `Received: ${"from a by b ".repeat(n / 12)}\n`,
  "encoded words left open": (n) => `From: =?utf-8?q?${"=?".repeat(n / 2)}\n`,
}
