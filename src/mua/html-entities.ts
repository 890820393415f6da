// Character references of HTML: numbers, and the names that mail uses (HTML 4's Latin-1 set and its common symbols).

const latin1 =
  "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml".split(
    " ",
  )

const others: Readonly<Record<string, number>> = {
  amp: 38,
  apos: 39,
  bdquo: 8222,
  bull: 8226,
  circ: 710,
  dagger: 8224,
  Dagger: 8225,
  emsp: 8195,
  ensp: 8194,
  euro: 8364,
  gt: 62,
  hellip: 8230,
  larr: 8592,
  ldquo: 8220,
  le: 8804,
  ge: 8805,
  lsaquo: 8249,
  lsquo: 8216,
  lt: 60,
  mdash: 8212,
  minus: 8722,
  ndash: 8211,
  ne: 8800,
  OElig: 338,
  oelig: 339,
  permil: 8240,
  quot: 34,
  rarr: 8594,
  rdquo: 8221,
  rsaquo: 8250,
  rsquo: 8217,
  sbquo: 8218,
  Scaron: 352,
  scaron: 353,
  thinsp: 8201,
  tilde: 732,
  trade: 8482,
  Yuml: 376,
  zwj: 8205,
  zwnj: 8204,
  lrm: 8206,
  rlm: 8207,
  check: 10003,
  star: 9734,
  uarr: 8593,
  darr: 8595,
  infin: 8734,
}

const named: ReadonlyMap<string, number> = new Map([
  ...latin1.map((name, i): [string, number] => [name, 160 + i]),
  ...Object.entries(others),
])

/** Replaces what it knows; the rest stays as it stands. */
export function decodeEntities(text: string): string {
  if (!text.includes("&")) return text
  return text.replaceAll(/&(#x[0-9a-f]{1,6}|#\d{1,7}|[a-z][a-z0-9]{1,8});?/gi, (whole, name: string) => {
    const code = codeOf(name)
    return code === undefined ? whole : String.fromCodePoint(code)
  })
}

function codeOf(name: string): number | undefined {
  if (!name.startsWith("#")) return named.get(name)
  const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number.parseInt(name.slice(1), 10)
  return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? code : undefined
}
