// Scripts and messages that Pigeonhole's sieve-test and we are asked about: the same actions must follow, in the same order, or both
// must refuse the script.

export type SieveCase = {
  readonly script: string
  /** By name; two in turn when not said. */
  readonly messages?: readonly string[]
}

export const sieveMessages: Readonly<Record<string, string>> = {
  plain: `Received: from a.example.org by grussell.org; Tue, 24 Nov 2026 08:10:42 +0100
From: "Ann Other" <Ann@Example.ORG>
To: bob+lists@grussell.org, carl@napier.ac.uk
Cc: dora@hello.com
Subject: Hello there (42)
Date: Tue, 24 Nov 2026 07:10:42 +0000
Message-ID: <1@example.org>
X-Priority: 3

Hello Bob,
this is the body with money in it.
`,
  list: `Received: from x by y; Mon, 23 Nov 2026 22:00:00 -0500
Received: from z by x; Mon, 23 Nov 2026 21:59:00 -0500
From: mutt-users-owner@example.org
To: mutt-users@example.org
Subject: [mutt] =?utf-8?Q?Gr=C3=BC=C3=9Fe?= an alle
List-Id: Mutt users <mutt-users.example.org>
Precedence: bulk
Date: Mon, 23 Nov 2026 22:00:00 -0500
X-Spam-Score: 7

Is mutt the best?
`,
  mime: `From: ann@example.org
To: bob@grussell.org
Subject: report
Content-Type: multipart/mixed; boundary="xx"
MIME-Version: 1.0

preamble
--xx
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

The caf=C3=A9 is open.
--xx
Content-Type: text/html
Content-Transfer-Encoding: base64

PGI+c2VjcmV0PC9iPgo=
--xx
Content-Type: application/octet-stream

binary words
--xx--
epilogue
`,
}

const fi = 'require "fileinto";\n'

/** if TEST { fileinto "yes"; } else { fileinto "no"; } */
function asks(test: string, ...needs: readonly string[]): SieveCase {
  const list = ["fileinto", ...needs].map((name) => `"${name}"`).join(", ")
  return { script: `require [${list}];\nif ${test} { fileinto "yes"; } else { fileinto "no"; }\n` }
}

export const sieveCases: Readonly<Record<string, SieveCase>> = {
  nothing: { script: "" },
  keep: { script: "keep;" },
  discard: { script: "discard;" },
  stop: { script: `${fi}stop;\nfileinto "x";` },
  fileinto: { script: `${fi}fileinto "Lists.mutt";` },
  "fileinto twice": { script: `${fi}fileinto "a"; fileinto "b";` },
  "fileinto the same twice": { script: `${fi}fileinto "a"; fileinto "a";` },
  "fileinto and keep": { script: `${fi}fileinto "a"; keep;` },
  "fileinto INBOX": { script: `${fi}fileinto "INBOX";` },
  "discard and keep": { script: "discard; keep;" },
  redirect: { script: 'redirect "x@example.org";' },
  "redirect and keep": { script: 'redirect "x@example.org"; keep;' },
  "redirect twice": { script: 'redirect "x@example.org"; redirect "x@example.org";' },
  "redirect a copy": { script: 'require "copy"; redirect :copy "x@example.org";' },
  "fileinto a copy": { script: 'require ["fileinto","copy"]; fileinto :copy "a";' },
  reject: { script: 'require "reject"; reject "no thanks";' },
  "reject some": {
    script: 'require "reject"; if header :contains "subject" "mutt" { reject "no\\nlists"; }',
  },
  "a multi-line text": { script: 'require "reject"; reject text:\nDear sender,\n..dots\n.\n;' },
  "header is": asks('header :is "x-priority" "3"'),
  "header is, not all of it": asks('header :is "subject" "Hello"'),
  "header contains": asks('header :contains "subject" "hello"'),
  "header contains, case": asks('header :contains :comparator "i;octet" "subject" "hello"'),
  "header matches": asks('header :matches "subject" "*there*"'),
  "header matches ?": asks('header :matches "subject" "Hello ????? (*)"'),
  "header matches escaped": asks('header :matches "subject" "\\\\[mutt\\\\]*"'),
  "several headers": asks('header :contains ["to", "cc"] "hello.com"'),
  "several keys": asks('header :contains "from" ["nobody", "mutt", "ann"]'),
  "an encoded word": asks('header :contains "subject" "Grüße"'),
  "a header that is not there": asks('header :is "x-none" ""'),
  "an empty key": asks('header :contains "subject" ""'),
  exists: asks('exists ["list-id", "precedence"]'),
  "exists not all": asks('exists ["subject", "x-none"]'),
  "size over": asks("size :over 400"),
  "size over K": asks("size :over 1K"),
  "size under": asks("size :under 400"),
  not: asks('not header :contains "subject" "hello"'),
  allof: asks('allof (header :contains "subject" "hello", header :contains "from" "ann")'),
  anyof: asks('anyof (header :contains "subject" "nothing", exists "list-id")'),
  "true and false": asks("allof (true, not false)"),
  elsif: {
    script: `${fi}if exists "x-none" { fileinto "a"; } elsif exists "list-id" { fileinto "b"; } else { fileinto "c"; }`,
  },
  "if within if": {
    script: `${fi}if exists "subject" { if exists "list-id" { fileinto "a"; } else { fileinto "b"; stop; } } fileinto "c";`,
  },
  "address all": asks('address :is "from" "ann@example.org"'),
  "address localpart": asks('address :localpart :is "to" "mutt-users"'),
  "address domain": asks('address :domain :is ["from","to"] "example.org"'),
  "address of a list": asks('address :is "to" "carl@napier.ac.uk"'),
  "address matches": asks('address :matches "from" "*@EXAMPLE.org"'),
  "envelope from": asks('envelope :is "from" "sender@example.org"', "envelope"),
  "envelope to domain": asks('envelope :domain "to" "grussell.org"', "envelope"),
  "envelope detail": asks('envelope :detail "to" "work"', "envelope", "subaddress"),
  "address user": asks('address :user "to" "bob"', "subaddress"),
  "address detail": asks('address :detail :contains "to" "list"', "subaddress"),
  "a comparator of numbers": asks(
    'header :value "ge" :comparator "i;ascii-numeric" "x-spam-score" "5"',
    "relational",
    "comparator-i;ascii-numeric",
  ),
  "numbers are equal": asks(
    'header :is :comparator "i;ascii-numeric" "x-priority" "03"',
    "comparator-i;ascii-numeric",
  ),
  "a count": asks(
    'header :count "ge" :comparator "i;ascii-numeric" "received" "2"',
    "relational",
    "comparator-i;ascii-numeric",
  ),
  "a count of addresses": asks(
    'address :count "eq" :comparator "i;ascii-numeric" ["to","cc"] "3"',
    "relational",
    "comparator-i;ascii-numeric",
  ),
  "a value of words": asks('header :value "lt" "subject" "I"', "relational"),
  "a value that is ne": asks('header :value "ne" "subject" "report"', "relational"),
  variables: {
    script: 'require ["variables","fileinto"]; set "a" "x"; set "b" "${a}y"; fileinto "${b}.${none}z";',
  },
  "match variables": {
    script:
      'require ["variables","fileinto"]; if header :matches "list-id" "*<*.*" { fileinto "lists.${2}"; }',
  },
  "match variables, least": {
    script: 'require ["variables","fileinto"]; if header :matches "subject" "* *" { fileinto "${1}-${2}"; }',
  },
  "match variables, one": {
    script:
      'require ["variables","fileinto"]; if header :matches "subject" "?*(*)*" { fileinto "${1}${3}"; }',
  },
  "match variables of an address": {
    script:
      'require ["variables","fileinto"]; if address :matches "from" "*@*" { fileinto "${0}-${1}-${2}"; }',
  },
  modifiers: {
    script:
      'require ["variables","fileinto"]; set :upper :lowerfirst "a" "hello"; set :length "b" "four"; set :upperfirst "c" "xyz"; fileinto "${a}${b}${c}";',
  },
  quotewildcard: {
    script: 'require ["variables","fileinto"]; set :quotewildcard "a" "a*b?"; fileinto "${a}";',
  },
  "string test": asks('string :matches "${sender}" "*"', "variables"),
  // RFC 5229 §5 compares strings by i;ascii-casemap; Pigeonhole by i;octet, so the comparator is said.
  "string of a variable": {
    script:
      'require ["variables","fileinto"]; set "x" "Yes"; if string :is :comparator "i;ascii-casemap" "${x}" "yes" { fileinto "a"; }',
  },
  "names of variables": {
    script: 'require ["variables","fileinto"]; set "Abc" "v"; fileinto "${aBC}${bad name}${}";',
  },
  flags: {
    script:
      'require ["imap4flags","fileinto"]; setflag "\\\\Seen"; addflag ["$a", "\\\\Flagged"]; removeflag "$a"; fileinto "x"; keep;',
  },
  "flags of a tag": {
    script:
      'require ["imap4flags","fileinto"]; fileinto :flags ["\\\\Seen", "$Work"] "x"; keep :flags "\\\\Draft";',
  },
  hasflag: {
    script: 'require ["imap4flags","fileinto"]; addflag "$a $b"; if hasflag "$B" { fileinto "yes"; }',
  },
  "flags in a variable": {
    script:
      'require ["imap4flags","variables","fileinto"]; setflag "v" ["\\\\Seen","$x"]; removeflag "v" "$x"; fileinto :flags "${v}" "x";',
  },
  "body contains": asks('body :contains "money"', "body"),
  "body text decoded": asks('body :text :contains "café"', "body"),
  "body content html": asks('body :content "text/html" :contains "secret"', "body"),
  "body content text": asks('body :content "text" :contains "secret"', "body"),
  "body content of another kind": asks('body :content "application" :contains "binary"', "body"),
  "body raw": asks('body :raw :contains "=C3=A9"', "body"),
  "body raw epilogue": asks('body :raw :contains "epilogue"', "body"),
  "date year": asks('date :is "date" "year" "2026"', "date"),
  "date at a zone": asks('date :zone "+0000" :is "date" "hour" ["03", "07"]', "date"),
  "date as it was": asks('date :originalzone :is "date" "zone" "-0500"', "date"),
  "date weekday": asks('date :originalzone :is "date" "weekday" "1"', "date"),
  "date of a Received": asks('date :originalzone :is "received" "date" "2026-11-24"', "date"),
  "date std11": asks('date :originalzone :is "date" "std11" "Tue, 24 Nov 2026 07:10:42 +0000"', "date"),
  "date iso8601": asks('date :originalzone :is "date" "iso8601" "2026-11-23T22:00:00-05:00"', "date"),
  "date julian": asks('date :zone "+0000" :is "date" "julian" "61368"', "date"),
  "date by value": asks('date :value "ge" :zone "+0000" "date" "date" "2026-11-24"', "date", "relational"),
  currentdate: asks('currentdate :value "ge" "year" "2020"', "date", "relational"),
  index: asks('header :index 1 :contains "received" "from x by y"', "index"),
  "index last": asks('header :index 1 :last :contains "received" "from z"', "index"),
  "index too far": asks('header :index 9 :contains "received" "from"', "index"),
  regex: asks('header :regex "subject" "\\\\([0-9]+\\\\)"', "regex"),
  "regex anchored": asks('header :regex "subject" "^report$"', "regex"),
  "regex classes": asks('header :regex "x-priority" "^[[:digit:]]{1,2}$"', "regex"),
  "regex variables": {
    script:
      'require ["regex","variables","fileinto"]; if header :regex "subject" "^([a-z]+) ([a-z]+)" { fileinto "${2}.${1}"; }',
  },
  "regex alternatives": asks('header :regex "from" "(ann|mutt-users)(-owner)?@"', "regex"),
  "regex, case": asks('header :regex :comparator "i;octet" "subject" "hello"', "regex"),
  vacation: { script: 'require "vacation"; vacation "I am away";', messages: ["plain", "mime"] },
  "vacation to a list": {
    script: 'require "vacation"; vacation :addresses "bob@grussell.org" "I am away";',
    messages: ["list"],
  },
  "addheader is seen": {
    script:
      'require ["editheader","fileinto"]; addheader "X-New" "value"; if header :is "x-new" "value" { fileinto "yes"; }',
  },
  "deleteheader is seen": {
    script:
      'require ["editheader","fileinto"]; deleteheader "subject"; if exists "subject" { fileinto "no"; } else { fileinto "yes"; }',
  },
  "deleteheader of some": {
    script:
      'require ["editheader","fileinto"]; deleteheader :contains "subject" "mutt"; if exists "subject" { fileinto "no"; } else { fileinto "yes"; }',
  },
  "deleteheader by number": {
    script:
      'require ["editheader","fileinto"]; addheader :last "X-A" "1"; addheader :last "X-A" "2"; deleteheader :index 2 "X-A"; if header :is "X-A" "2" { fileinto "no"; } else { fileinto "yes"; }',
  },
  "encoded characters": asks('header :contains "from" "${hex:40}${unicode:45}xample"', "encoded-character"),
  comments: { script: `# one\n${fi}/* two\nthree */ fileinto /* four */ "a"; # five` },
  "no such command": { script: "foo;" },
  "no such test": { script: "if foo { keep; }" },
  "a missing require": { script: 'fileinto "a";' },
  "an unknown extension": { script: 'require "nonsense";' },
  "a missing semicolon": { script: "keep" },
  "a missing brace": { script: "if true { keep;" },
  "an open string": { script: 'redirect "x;' },
  "too few arguments": { script: 'if header "subject" { keep; }' },
  "a wrong argument": { script: "redirect 3;" },
  "an unknown tag": { script: 'if header :nonsense "a" "b" { keep; }' },
  "two match types": { script: 'if header :is :contains "a" "b" { keep; }' },
  "else without if": { script: "else { keep; }" },
  "require too late": { script: 'keep; require "fileinto";' },
  "a wrong regex": { script: 'require "regex"; if header :regex "a" "(" { keep; }' },
  "a wrong comparator": { script: 'if header :comparator "i;none" "a" "b" { keep; }' },
  "a large number": { script: "if size :over 5000000000 { keep; }" },
}
