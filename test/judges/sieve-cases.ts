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
  "reject after fileinto": { script: 'require ["reject","fileinto"]; fileinto "a"; reject "no";' },
  "reject after discard": { script: 'require "reject"; discard; reject "no";' },
  "reject twice": { script: 'require "reject"; reject "no"; reject "no";' },
  "keep after reject": { script: 'require "reject"; reject "no"; keep;' },
  "vacation after reject": { script: 'require ["reject","vacation"]; reject "no"; vacation "away";' },
  "vacation and discard": { script: 'require "vacation"; vacation "away"; discard;', messages: ["plain"] },
  "vacation twice": { script: 'require "vacation"; vacation "away"; vacation "away";', messages: ["plain"] },
  "vacation with everything": {
    script:
      'require "vacation"; vacation :days 3 :subject "gone" :from "bob@grussell.org" :addresses ["bob@grussell.org","bob+lists@grussell.org"] :handle "h" "away";',
    messages: ["plain", "mime"],
  },
  "vacation :mime": {
    script: 'require "vacation"; vacation :mime "Content-Type: text/html\r\n\r\n<b>away</b>";',
    messages: ["plain"],
  },
  "vacation :seconds": {
    script: 'require ["vacation-seconds"]; vacation :addresses "bob@grussell.org" :seconds 60 "away";',
    messages: ["mime"],
  },
  "vacation :days and :seconds": {
    script: 'require "vacation-seconds"; vacation :days 1 :seconds 60 "away";',
  },
  "vacation of no text": { script: 'require "vacation"; vacation;' },
  "vacation from nobody": { script: 'require "vacation"; vacation :from "not an address" "away";' },
  "copy of a keep": { script: 'require "copy"; keep :copy;' },
  "copy without require": { script: 'redirect :copy "x@example.org";' },
  "redirect to nobody": { script: 'redirect "not an address";' },
  "redirect to two": { script: 'redirect "a@example.org, b@example.org";' },
  "redirect with a name": { script: 'redirect "Ann <ann@example.org>";' },
  "fileinto :create": { script: 'require ["fileinto","mailbox"]; fileinto :create "new.folder";' },
  "fileinto :create without mailbox": { script: 'require "fileinto"; fileinto :create "new";' },
  "flags of variables and lists": {
    script:
      'require ["imap4flags","variables","fileinto"]; setflag "a" "\\\\Seen $x"; addflag "a" ["$y","\\\\SEEN"]; removeflag "a" ["$X"]; if hasflag :is "a" "$y" { fileinto :flags ["${a}","$z"] "f"; }',
  },
  "hasflag counts": asks(
    'hasflag :count "eq" :comparator "i;ascii-numeric" "0"',
    "imap4flags",
    "relational",
    "comparator-i;ascii-numeric",
  ),
  "hasflag matches": {
    script:
      'require ["imap4flags","fileinto"]; setflag ["$Work","\\\\Seen"]; if hasflag :matches "\\\\*" { fileinto "yes"; } elsif hasflag :contains "work" { fileinto "two"; }',
  },
  "flags are taken away again": {
    script: 'require "imap4flags"; setflag ["\\\\Seen","$a"]; setflag []; keep;',
  },
  "no flags by a tag": { script: 'require "imap4flags"; setflag "\\\\Seen"; keep :flags "";' },
  "flags of each action are its own": {
    script:
      'require ["imap4flags","fileinto"]; setflag "$a"; fileinto "one"; addflag "$b"; fileinto "two"; removeflag "$a"; keep;',
  },
  "index of addresses": asks('address :index 2 :contains "to" "x"', "index"),
  "index of the last address field": asks('address :index 1 :last :domain "to" "example.org"', "index"),
  // Pigeonhole looks at the first date whatever :index says; RFC 5260 §6 has it otherwise, and so have we (sieve.test.ts).
  "index 1 of a date": asks('date :index 1 :originalzone :is "received" "minute" "00"', "index", "date"),
  "index 0": asks('header :index 0 :contains "received" "x"', "index"),
  "last without index": asks('header :last :contains "received" "x"', "index"),
  "index without require": asks('header :index 1 :contains "received" "x"'),
  "date month and day": asks(
    'allof (date :zone "+0000" "date" "month" "11", date :zone "+0000" "date" "day" "24")',
    "date",
  ),
  "date time": asks('date :zone "+0000" :contains "date" "time" ":00"', "date"),
  "date second": asks('date :value "lt" "date" "second" "42"', "date", "relational"),
  "date of no date": asks('date :is "subject" "year" "2026"', "date"),
  "date of a field that is not there": asks('date :matches "x-none" "year" "*"', "date"),
  "date of no part": asks('date :is "date" "century" "20"', "date"),
  "date of a wrong zone": asks('date :zone "CET" :is "date" "year" "2026"', "date"),
  "date of both zones": asks('date :zone "+0000" :originalzone "date" "year" "2026"', "date"),
  "currentdate at a zone": asks('currentdate :zone "+1200" :matches "zone" "+1200"', "date"),
  "currentdate std11": asks('currentdate :zone "-0330" :matches "std11" "*, * 20* *:*:* -0330"', "date"),
  "currentdate of the original zone": asks('currentdate :originalzone "year" "2026"', "date"),
  "date of variables": {
    script:
      'require ["date","variables","fileinto"]; if date :matches :zone "+0000" "date" "date" "*-*-*" { fileinto "${1}.${2}"; }',
  },
  "variables out of range": {
    script: 'require ["variables","fileinto"]; if header :matches "subject" "*" { fileinto "x${7}${1}"; }',
  },
  "variables of a match that fails": {
    script:
      'require ["variables","fileinto"]; if header :matches "to" "*@*" { if header :matches "subject" "none*" { discard; } fileinto "${2}"; }',
  },
  "variables with modifiers in another order": {
    script: 'require ["variables","fileinto"]; set :upperfirst :lower "a" "hELLO"; fileinto "${a}";',
  },
  "modifiers of one kind": { script: 'require "variables"; set :upper :lower "a" "x";' },
  "a variable with a bad name": { script: 'require "variables"; set "1a" "x";' },
  "a variable of a namespace": { script: 'require "variables"; set "a.b" "x";' },
  "a match variable is not set": { script: 'require "variables"; set "0" "x";' },
  "variables within variables": {
    script:
      'require ["variables","fileinto"]; set "a" "${b}"; set "b" "x"; set "c" "$${b}{a}"; fileinto "${c}${a}";',
  },
  "a string counted": asks(
    'string :count "eq" :comparator "i;ascii-numeric" ["a","","b"] "2"',
    "variables",
    "relational",
    "comparator-i;ascii-numeric",
  ),
  "quoteregex without regex": { script: 'require "variables"; set :quoteregex "a" "x";' },
  "envelope from nobody": asks('envelope :is "from" ""', "envelope"),
  "envelope all": asks('envelope :all :matches "to" "bob+*@grussell.org"', "envelope"),
  "envelope of no part": asks('envelope "cc" "x"', "envelope"),
  "envelope without require": { script: 'if envelope "from" "x" { keep; }' },
  "address of no address field": asks('address :contains "subject" "h"'),
  "address of Resent-From": asks('address :contains "resent-from" "ann"'),
  "detail without one": asks('address :detail :is "from" ""', "subaddress"),
  "detail matches nothing": asks('address :detail :matches "from" "*"', "subaddress"),
  "subaddress without require": { script: 'if address :detail "to" "x" { keep; }' },
  "a relation that is none": asks('header :value "xx" "subject" "a"', "relational"),
  "a value without require": { script: 'if header :value "eq" "subject" "a" { keep; }' },
  "a count of nothing": asks('header :count "eq" "x-none" "0"', "relational"),
  "a count by words": asks('header :count "gt" ["subject","from"] "1"', "relational"),
  "values of numbers that are none": asks(
    'header :value "gt" :comparator "i;ascii-numeric" "subject" "5"',
    "relational",
    "comparator-i;ascii-numeric",
  ),
  "a comparator that must be required": asks('header :is :comparator "i;ascii-numeric" "x-priority" "3"'),
  "comparators that need not be": {
    script: 'require ["comparator-i;octet","comparator-i;ascii-casemap"]; keep;',
  },
  "numbers do not contain": asks(
    'header :contains :comparator "i;ascii-numeric" "x-priority" "3"',
    "comparator-i;ascii-numeric",
  ),
  "body of everything": asks('body :content "" :contains "words"', "body"),
  "body of several kinds": asks(
    'body :content ["text/html","application"] :contains ["none","binary"]',
    "body",
  ),
  "body matches": asks('body :text :matches "*money*"', "body"),
  "body leaves variables alone": {
    script:
      'require ["body","variables","fileinto"]; if header :matches "subject" "*" { if body :raw :matches "*e*" { fileinto "x${2}${1}"; } }',
    messages: ["mime"],
  },
  "body transforms twice": asks('body :raw :text :contains "x"', "body"),
  "encoded characters, several": asks('header :contains "from" "${hex: 40 45 78}ample"', "encoded-character"),
  "encoded characters that are none": asks('header :contains "from" "${hex:4}"', "encoded-character"),
  "an encoded surrogate": asks('header :contains "from" "${unicode:D800}"', "encoded-character"),
  "encoded without require": asks('header :contains "from" "${hex:40}"'),
  "addheader at the end": {
    script:
      'require ["editheader","fileinto"]; addheader :last "Subject" "last"; if header :is "subject" "last" { fileinto "yes"; }',
  },
  "addheader of a bad name": { script: 'require "editheader"; addheader "Bad Name" "x";' },
  "addheader of variables": {
    script:
      'require ["editheader","variables","fileinto"]; if header :matches "subject" "* *" { addheader "X-First" "${1}"; } if header :is "x-first" "Hello" { fileinto "yes"; }',
  },
  "deleteheader by the last number": {
    script:
      'require ["editheader","fileinto"]; addheader :last "X-A" "1"; addheader :last "X-A" "2"; deleteheader :last :index 1 "X-A"; if header :is "X-A" "2" { fileinto "no"; } else { fileinto "yes"; }',
  },
  "deleteheader matches": {
    script:
      'require ["editheader","fileinto"]; deleteheader :matches "received" "from x*"; if header :contains "received" "from x" { fileinto "no"; } else { fileinto "yes"; }',
  },
  "deleteheader last without index": { script: 'require "editheader"; deleteheader :last "X-A";' },
  "stop in a block": { script: `${fi}if true { stop; } fileinto "x";` },
  "anyof of nothing": { script: "if anyof () { keep; }" },
  "a trailing comma": { script: "if anyof (true,) { keep; }" },
  "a list that is empty": asks('header :contains "subject" []'),
  "a string of two lines": asks('header :contains "subject" "Hello\nthere"'),
  "an escape that is none": asks('header :contains "subject" "H\\ello"'),
  "a comment that is open": { script: "/* keep;" },
  "a comment in a comment": { script: "/* a /* b */ keep;" },
  "text: with a comment": { script: 'require "reject"; reject text: # a comment\nno\n.\n;' },
  "text: that is open": { script: 'require "reject"; reject text:\nno\n' },
  "size in M": asks("size :under 1M"),
  "size of both": asks("size :over 1 :under 2"),
  "size without a tag": asks("size 100"),
  "elsif after else": { script: "if true { keep; } else { keep; } elsif true { keep; }" },
  "a test as a command": { script: 'header "subject" "x";' },
  "a command as a test": { script: "if keep { keep; }" },
  "a block for a command": { script: "keep { stop; }" },
  "require of a list and twice": {
    script: 'require ["fileinto","fileinto"]; require "fileinto"; fileinto "a";',
  },
  "words in any case": { script: 'REQUIRE "fileinto"; IF NOT EXISTS "X-None" { FileInto "a"; }' },
  "mailboxexists of a wrong kind": { script: 'require "mailbox"; if mailboxexists 3 { keep; }' },
  "duplicate with everything": {
    script: 'require "duplicate"; if duplicate :header "x" :uniqueid "y" { keep; }',
  },
  "include of a wrong place": { script: 'require "include"; include :personal :global "x";' },
  "global without variables": { script: 'require "include"; global "x";' },
  "return without include": { script: "return;" },
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
