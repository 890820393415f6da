// Recipes and messages that procmail and we are asked about: each recipe with each of its messages must end the same way in files,
// forwards, what programs were given, and the exit code. `@DIR@` is the directory of the case, where everything happens.

export type ProcmailCase = {
  readonly rc: string
  /** By name; all of them when not said. */
  readonly messages?: readonly string[]
  /** Other files: `rc.NAME`. */
  readonly files?: Readonly<Record<string, string>>
  readonly args?: readonly string[]
}

const from = "From ann@example.org  Tue Nov 24 07:10:42 2026\n"

export const messages: Readonly<Record<string, string>> = {
  plain: `${from}From: Ann <ann@example.org>
To: bob@grussell.org
Subject: Hello there
Date: Tue, 24 Nov 2026 07:10:42 +0000
Message-ID: <1@example.org>

Hello Bob,
From here to there.
>From quoted.
Bye
`,
  list: `${from}Return-Path: <owner-mutt@example.org>
From: carl@napier.ac.uk
To: mutt-users@example.org
Cc: Bob <bob@grussell.org>,
\tann@example.org
Subject: [mutt] a question
 that goes on
Precedence: bulk
List-Id: Mutt users <mutt-users.example.org>
X-Spam-Status: No, score=1.5 required=5.0

Is mutt the best?
It is.
mutt mutt MUTT
`,
  daemon: `From MAILER-DAEMON  Tue Nov 24 07:10:42 2026
From: Mail Delivery Subsystem <MAILER-DAEMON@hello.com>
To: bob@grussell.org
Subject: Returned mail: see transcript for details
Auto-Submitted: auto-generated

The original message was received.
`,
  bare: `From: ann@example.org
To: bob@grussell.org
Subject: No envelope
X-Number: 42

one line, no line end`,
  nobody: `${from}From: ann@example.org
Subject: no body at all
`,
  spam: `${from}From: "$$$" <rich@hello.com>
To: undisclosed-recipients:;
Subject: MAKE MONEY FAST!!!
X-Spam-Flag: YES
X-Spam-Level: **********
Content-Type: text/html

<b>MONEY</b> money money
click here click here
${"x".repeat(3000)}
`,
}

export const cases: Readonly<Record<string, ProcmailCase>> = {
  "nothing at all": { rc: "" },
  "a subject": { rc: ":0\n* ^Subject:.*hello\nhello\n" },
  "a subject, case counts": { rc: ":0 D\n* ^Subject:.*hello\nhello\n:0 D\n* ^Subject:.*Hello\nHello\n" },
  "a subject, a lock": { rc: ":0:\n* ^Subject:.*money\nspam\n" },
  "a lock of its own name": { rc: ":0:my.lock\n* ^Subject:\nall\n" },
  not: { rc: ":0\n* ! ^Subject:.*hello\nothers\n" },
  "two conditions": { rc: ":0\n* ^From:.*ann\n* ^To:.*bob\nannbob\n" },
  "two conditions, one fails": { rc: ":0\n* ^From:.*ann\n* ^To:.*nobody\nannbob\n" },
  "a folded field": { rc: ":0\n* ^Subject:.*question that goes\nfolded\n" },
  "a folded Cc": { rc: ":0\n* ^Cc:.*ann@\nccann\n" },
  "^TO_": { rc: ":0\n* ^TO_bob@grussell.org\nbob\n:0\n* ^TO_mutt-users\nmutt\n" },
  "^TO": { rc: ":0\n* ^TObob\nbob\n:0\n* ^TOmutt\nmutt\n" },
  "^FROM_DAEMON": { rc: ":0\n* ^FROM_DAEMON\ndaemons\n", messages: Object.keys(messages) },
  "^FROM_MAILER": { rc: ":0\n* ^FROM_MAILER\nmailers\n", messages: Object.keys(messages) },
  "not ^FROM_DAEMON": { rc: ":0\n* !^FROM_DAEMON\npeople\n", messages: Object.keys(messages) },
  "the body": { rc: ":0 B\n* mutt\nbody\n" },
  "header and body": { rc: ":0 HB\n* question\n* best\nboth\n" },
  "B ??": { rc: ":0\n* B ?? the best\nbest\n" },
  "H ?? in a body recipe": { rc: ":0 B\n* H ?? ^Subject:.*mutt\n* mutt\nboth\n" },
  "HB ??": { rc: ":0\n* HB ?? mutt\nboth\n" },
  "size larger": { rc: ":0\n* > 1000\nlarge\n", messages: Object.keys(messages) },
  "size smaller": { rc: ":0\n* < 200\nsmall\n", messages: Object.keys(messages) },
  "size by a variable": { rc: "LIMIT=300\n:0\n* > $LIMIT\nlarge\n" },
  "size of the body": { rc: ":0\n* B ?? > 40\nlarge\n" },
  "not larger": { rc: ":0\n* ! > 300\nsmall\n" },
  "a variable": { rc: "A=hello\n:0\n* A ?? ^hel\nyes\n:0\nno\n" },
  "a variable that is not set": { rc: ":0\n* A ?? .\nyes\n:0\nno\n" },
  "an empty variable": { rc: "A=\n:0\n* A ?? ^^^^\nempty\n" },
  "a $ condition": { rc: "WHO=ann\n:0\n* $ ^From:.*${WHO}\nann\n" },
  "a $ condition with a literal": { rc: "WHO='example.org'\n:0\n* $ ^From:.*$\\WHO\nann\n:0\nother\n" },
  "a $ condition, negated": { rc: "WHO=ann\n:0\n* ! $ ^From:.*${WHO}\nnotann\n" },
  "a program says yes": { rc: ":0\n* ? true\nyes\n" },
  "a program says no": { rc: ":0\n* ? false\nno\n:0\nother\n" },
  "a program says not no": { rc: ":0\n* ! ? false\nyes\n" },
  "a program reads the header": { rc: ":0\n* ? grep -q '^Subject:.*mutt'\nmutt\n" },
  "a program reads the body": { rc: ":0 B\n* ? grep -q mutt\nmutt\n" },
  "a program with arguments": { rc: ":0\n* ? test 3 -gt 2\nyes\n" },
  MATCH: { rc: ':0\n* ^Subject: \\/.*\n| cat >/dev/null; echo "$MATCH" >>@DIR@/out\n' },
  "MATCH in the middle": {
    rc: ':0\n* ^From:.*<\\/[^@]+@[^>]+\n| cat >/dev/null; echo "$MATCH" >>@DIR@/out\n',
  },
  "MATCH names a folder": { rc: ":0\n* ^List-Id:.*<\\/[^.]+\n$MATCH\n" },
  "MATCH of several": { rc: ':0 B\n* ()\\/m[a-z]+\n| cat >/dev/null; echo "$MATCH" >>@DIR@/out\n' },
  "MATCH to the line's end": {
    rc: ':0\n* ^X-Number: *\\/[0-9]+\n| cat >/dev/null; echo "<$MATCH>" >>@DIR@/out\n',
  },
  "MATCH of a variable": {
    rc: "A='one two three'\n:0\n* A ?? two\\/.*\n| cat >/dev/null; echo \"<$MATCH>\" >>@DIR@/out\n",
  },
  "beginning of the text": { rc: ":0\n* ^^From \nenvelope\n" },
  "end of the text": { rc: ":0 B\n* Bye^^\nnoend\n:0 B\n* Bye$^^\nend\n:0 B\n* Bye\nbye\n" },
  "empty lines": { rc: ":0 B\n* ^^Hello\nhello\n" },
  words: { rc: ":0 B\n* \\<best\\>\nbest\n" },
  classes: { rc: ":0\n* ^Subject:[ \t]+[A-Z][a-z]*!*\n* ^Subject:.*[0-9!]\nclass\n" },
  "a class that is not": { rc: ":0\n* ^Subject: [^a-z]\nnot\n" },
  "a class of ]": { rc: ":0\n* ^Subject: [][]\nbracket\n" },
  alternatives: { rc: ":0\n* ^(From|Reply-To|Sender):.*(carl|rich)@\nthem\n" },
  "an empty alternative": { rc: ":0\n* ^Subject:( |)(MAKE|Hello)\nthem\n" },
  "optional and many": { rc: ":0\n* ^Sub(ject)?:.*(l+o|!+)\nthem\n" },
  "a star in the beginning": { rc: ":0 B\n* *mutt\nstar\n" },
  "a dot is no line end": { rc: ":0 B\n* best.It\ndot\n:0 B\n* best\\?$It\nline\n" },
  "line end and line beginning": { rc: ":0 B\n* ^Is.*$^It\ntwo\n:0 B\n* ^Is.*$It\none\n" },
  escaped: { rc: ":0\n* ^Subject: \\[mutt\\]\nmutt\n:0\n* ^X-Spam-Level: \\*\\*\\*\\*\nspam\n" },
  "a leading backslash": { rc: ":0 B\n* \\!\nexclaims\n" },
  "no good expression": { rc: ":0\n* ^Subject: (hello\nhello\n" },
  "an expression on two lines": { rc: ":0\n* ^Subject:.*(hello|\\\n   money)\nthem\n" },
  forwarding: { rc: ":0\n! bob@napier.ac.uk\n" },
  "forwarding to several": { rc: "A=ann@example.org\n:0\n! bob@napier.ac.uk $A\n" },
  "forwarding a copy": { rc: ":0 c\n! bob@napier.ac.uk\n:0\nkept\n" },
  "forwarding the body": { rc: ":0 b\n! bob@napier.ac.uk\n" },
  "forwarding the header": { rc: ":0 h\n! bob@napier.ac.uk\n" },
  "a program": { rc: ":0\n| cat >>@DIR@/out\n" },
  "a program of words": { rc: ":0\n| @DIR@/sendmail one 'two three' \"four $LOGNAME\"\n" },
  "a program that fails, not waited for": { rc: ":0\n| cat >/dev/null; exit 1\n:0\nnext\n" },
  "a program that fails, waited for": { rc: ":0 w\n| cat >/dev/null; exit 1\n:0\nnext\n" },
  "a program that fails quietly": { rc: ":0 W\n| cat >/dev/null; exit 1\n:0\nnext\n" },
  "a program gets the header": { rc: ":0 h\n| cat >>@DIR@/out\n" },
  "a program gets the body": { rc: ":0 b\n| cat >>@DIR@/out\n" },
  "a program gets it raw": { rc: ":0 r\n| cat >>@DIR@/out\n" },
  "a program with a lock": { rc: ":0:out.lock\n| cat >>@DIR@/out\n" },
  "a program with an implied lock": { rc: ":0:\n| cat >> out\n" },
  "a copy to a program": { rc: ":0 c\n| cat >>@DIR@/out\n" },
  "a filter": { rc: ":0 f\n| sed -e 's/Hello/Goodbye/'\n:0\nout\n" },
  "a filter of the header": { rc: ":0 fh\n| sed -e 's/^Subject:/X-Subject:/'\n:0\nout\n" },
  "a filter of the body": { rc: ":0 fb\n| tr a-z A-Z\n:0\nout\n" },
  "a filter that fails": { rc: ":0 f\n| cat >/dev/null; exit 1\n:0\nout\n" },
  "a filter that fails, waited for": { rc: ":0 fw\n| cat; echo more; exit 1\n:0 e\nfailed\n:0\nout\n" },
  "a filter adds a field": { rc: ":0 fhw\n| (echo 'X-New: yes'; cat)\n:0\n* ^X-New: yes\nnew\n" },
  "a filter's field is seen": { rc: ":0 fh\n| sed -e '$d'; echo 'X-Seen: 1'; echo\n:0\n* ^X-Seen\nseen\n" },
  "a variable from a program": { rc: ':0\nA=| head -1\n:0\n| cat >/dev/null; echo "$A" >>@DIR@/out\n' },
  "a variable from a program, one line end": {
    rc: ":0 h\nA=| printf 'x\\n\\n'\n:0\n| cat >/dev/null; echo \"[$A]\" >>@DIR@/out\n",
  },
  backquotes: { rc: 'A=`echo hello world`\n:0\n| cat >/dev/null; echo "$A" >>@DIR@/out\n' },
  "backquotes with the message": {
    rc: "A=`sed -n 's/^Subject: //p'`\n:0\n| cat >/dev/null; echo \"$A\" >>@DIR@/out\n",
  },
  "backquotes in a condition": { rc: ":0\n* $ ^Subject:.*`echo hello`\nhello\n" },
  "backquotes name a folder": { rc: ":0\n`echo mail`box\n" },
  "a Maildir": { rc: ":0\nMail/\n" },
  "a Maildir deeper": { rc: "D=@DIR@\n:0\n$D/Mail/\n" },
  "an MH folder": { rc: ":0 c\nmh/.\n:0\nmh/.\n" },
  "a directory": { rc: "A=`mkdir dir`\n:0\ndir\n" },
  "two Maildirs": { rc: ":0\nMail/ Other/\n" },
  "an MH folder and a Maildir": { rc: ":0\nmh/. Mail/\n" },
  "/dev/null": { rc: ":0\n* ^Subject:.*money\n/dev/null\n" },
  "the header to a folder": { rc: ":0 h\nheads\n" },
  "the body to a folder": { rc: ":0 b\nbodies\n" },
  "raw to a folder": { rc: ":0 r\nraws\n" },
  "a folder that cannot be": { rc: ":0\nno/such/folder\n:0\nnext\n" },
  "a copy, then another": { rc: ":0 c\none\n:0 c\ntwo\n:0\nthree\n" },
  i: {
    rc: ":0 fbw\n| head -c 200000 /dev/zero | tr '\\0' x\n:0 w\n| exit 0\n:0 wi\n| exit 0\n:0\nlost\n",
    messages: ["plain"],
  },
  "a block": { rc: ":0\n* ^Subject:.*hello\n{\n  :0 c\n  one\n\n  :0\n  two\n}\n:0\nthree\n" },
  "a block on one line": { rc: ":0\n* ^Subject:.*hello\n{ A=yes }\n:0\n* A ?? yes\nyes\n" },
  "blocks within blocks": {
    rc: ":0\n* ^From:\n{\n :0\n * ^To:\n {\n  :0\n  * ^Subject:.*hello\n  inner\n }\n :0\n * ^Subject:\n middle\n}\n",
  },
  "a block that is passed": {
    rc: ":0\n* ^X-Nothing:\n{\n A=wrong\n :0\n {\n  B=`touch @DIR@/wrong`\n }\n :0\n wrong\n}\n:0\n* A ?? ^^^^\nright\n",
  },
  "a copy block": { rc: ":0 c\n{\n :0 f\n | sed -e 's/Subject/X-Subject/'\n :0\n copy\n}\n:0\noriginal\n" },
  "a copy block that goes on": {
    rc: ':0 c\n{\n A=clone\n}\n:0\n| cat >/dev/null; echo "[$A]" >>@DIR@/out$A\n',
  },
  "a copy block, waited for": { rc: ":0 cw\n{\n EXITCODE=3\n :0\n copy\n}\n:0 a\nwell\n:0\nfailed\n" },
  A: { rc: ":0 c\n* ^Subject:.*hello\none\n:0 A\ntwo\n:0\nthree\n" },
  "A after no match": { rc: ":0 c\n* ^X-None\none\n:0 A\ntwo\n:0 Ac\nthree\n" },
  a: { rc: ":0 cw\n* ^Subject\n| cat >/dev/null; exit 1\n:0 a\ntwo\n:0\nthree\n" },
  "a after success": { rc: ":0 cw\n* ^Subject\n| cat >/dev/null\n:0 a\ntwo\n:0\nthree\n" },
  E: { rc: ":0 c\n* ^Subject:.*hello\none\n:0 Ec\n* ^Subject:.*mutt\ntwo\n:0 Ec\nthree\n" },
  "E in blocks": {
    rc: ":0\n* ^Subject:.*hello\n{ F=one }\n:0 E\n* ^Subject:.*mutt\n{ F=two }\n:0 E\n{ F=three }\n:0\n$F\n",
  },
  e: { rc: ":0 w\n| cat >/dev/null; exit 1\n:0 e\nerror\n:0\nnone\n" },
  "e after success": { rc: ":0 cw\n| cat >/dev/null\n:0 e\nerror\n:0\nnone\n" },
  "a score": { rc: ":0\n* 1^1 ^Subject:\n* -2^0 ^X-None:\npoints\n" },
  "a score for each match": { rc: ":0 B\n* -3^0\n* 1^1 mutt\npoints\n" },
  "a score that fades": { rc: ":0 B\n* 10^.5 money\n| cat >/dev/null; echo $= >>@DIR@/out\n" },
  "a score for lines": { rc: ":0 B\n* 1^1 ^.*$\n| cat >/dev/null; echo $= >>@DIR@/out\n" },
  "a score for every octet": { rc: ":0 B\n* 1^1 .\n| cat >/dev/null; echo $= >>@DIR@/out\n" },
  "a score for nothing": { rc: ":0 B\n* 2^1 ! mutt\n* 1^0\n| cat >/dev/null; echo $= >>@DIR@/out\n" },
  "a score for size": { rc: ":0\n* 2000^1 > 1000\n| cat >/dev/null; echo $= >>@DIR@/out\n" },
  "a score for smallness": { rc: ":0\n* 2000^1 < 1000\n| cat >/dev/null; echo $= >>@DIR@/out\n" },
  "a score of a program": { rc: ":0\n* 3^5 ? false\n| cat >/dev/null; echo $= >>@DIR@/out\n" },
  "a score of a program, not": { rc: ":0\n* 3^2 ! ? exit 3\n| cat >/dev/null; echo $= >>@DIR@/out\n" },
  "a score, negative": { rc: ":0\n* -1^0\nno\n:0\n| cat >/dev/null; echo $= >>@DIR@/out\n" },
  "a score, supreme": { rc: ":0\n* 2147483647^0 ^Subject:\n* -1^0\nsupreme\n" },
  "a score of fractions": { rc: ":0\n* .3^0\n| cat >/dev/null; echo $= >>@DIR@/out\n" },
  "a score with an empty match": { rc: ":0 B\n* 1^.5 x*\n| cat >/dev/null; echo $= >>@DIR@/out\n" },
  "a number of conditions": { rc: ":2\n^From:\n^Subject:.*hello\nold\n" },
  "the old form": { rc: ":\n^Subject:.*hello\nold\n" },
  "a missing action": { rc: ":0\n* ^X-None\n\n:0\nsecond\n" },
  comments: {
    rc: "# a comment\n:0 # flags\n# another\n* ^Subject: # not a comment\n# more\ncommented # too\n:0\nrest\n",
  },
  quotes: {
    rc: 'A=\'one $B\'\nB="two ${A}"\nC=three\\ $A\n:0\n| cat >/dev/null; echo "$A;$B;$C" >>@DIR@/out\n',
  },
  defaults: {
    rc: 'E=\nF=f\n:0\n| cat >/dev/null; echo "${A-a}${A:-b}${E-c}${E:-d}${F-x}${F:-y}" >>@DIR@/out\n',
  },
  "defaults in an assignment": {
    rc: 'E=\nF=f\nR=${A-a}:${A:-b}:${E-c}:${E:-d}:${F-x}:${F:-y}:${F+set}:${A+set}:${E:+set}:${E+set}\n:0\n| cat >/dev/null; echo "$R" >>@DIR@/out\n',
  },
  "defaults within defaults": {
    rc: 'R=${A:-${B:-`echo c`}}\nS="${A:-"x y"}"\n:0\n| cat >/dev/null; echo "$R$S" >>@DIR@/out\n',
  },
  "an alternative that is not evaluated": {
    rc: 'F=f\nR=${F:-`touch @DIR@/wrong`}\n:0\n| cat >/dev/null; echo "$R" >>@DIR@/out\n',
  },
  "a bad substitution": { rc: 'R=a${A!b}c\n:0\n| cat >/dev/null; echo "$R" >>@DIR@/out\n' },
  "taken away": { rc: 'A=a\nA\n:0\n| cat >/dev/null; echo "[${A-none}]" >>@DIR@/out\n' },
  "$-": { rc: ':0 c\nfirst\n:0\n| cat >/dev/null; echo "$-" >>@DIR@/out\n' },
  "$?": { rc: ":0\n* ! ? exit 7\n| cat >/dev/null; echo $? >>@DIR@/out\n" },
  "$? in an assignment": {
    rc: ":0 cw\n| cat >/dev/null; exit 5\nA=$?\n:0\n| cat >/dev/null; echo $A >>@DIR@/out\n",
  },
  $_: { rc: 'A=$_\n:0\n| cat >/dev/null; echo "$A" >>@DIR@/out\n' },
  "no name": { rc: 'A=x$=y$\n:0\n| cat >/dev/null; echo "$A" >>@DIR@/out\n' },
  "several words in a value": { rc: 'A=one two three\n:0\n| cat >/dev/null; echo "$A" >>@DIR@/out\n' },
  "a line that is nothing": { rc: "this is nothing\n:0\nkept\n" },
  INCLUDERC: {
    rc: "INCLUDERC=rc.one\n:0\nmain\n",
    files: { one: "A=b\n:0\n* ^Subject:.*hello\nincluded\n" },
  },
  "INCLUDERC of nothing": { rc: "INCLUDERC=rc.none\n:0\nmain\n" },
  "INCLUDERC in a block": {
    rc: ":0\n* ^Subject:.*hello\n{\n INCLUDERC=rc.one\n :0\n block\n}\n:0\nmain\n",
    files: { one: ":0 c\nincluded\n" },
  },
  "INCLUDERC with an open brace": { rc: "INCLUDERC=rc.one\n:0\nmain\n", files: { one: ":0\n{\n A=b\n" } },
  SWITCHRC: { rc: "SWITCHRC=rc.one\n:0\nmain\n", files: { one: ":0 c\nswitched\n" } },
  "SWITCHRC to nothing": { rc: "SWITCHRC=rc.none\n:0\nmain\n" },
  "SWITCHRC away": { rc: "INCLUDERC=rc.one\n:0\nmain\n", files: { one: ":0 c\none\nSWITCHRC=\n:0\nnot\n" } },
  "SWITCHRC in a block": { rc: ":0\n{\n SWITCHRC=rc.one\n}\n:0\nmain\n", files: { one: ":0\nswitched\n" } },
  MAILDIR: { rc: "A=`mkdir sub`\nMAILDIR=@DIR@/sub\n:0\nthere\n" },
  "MAILDIR that is not there": { rc: "MAILDIR=@DIR@/none\n:0\nthere\n" },
  DEFAULT: { rc: "DEFAULT=other\n" },
  "DEFAULT a Maildir": { rc: "DEFAULT=Mail/\n" },
  "DEFAULT cannot be": { rc: "DEFAULT=no/such/place\n" },
  "DEFAULT and ORGMAIL cannot be": { rc: "DEFAULT=no/such/place\nORGMAIL=no/such/too\n" },
  "nothing can be, softly": { rc: "DEFAULT=no/such/place\nORGMAIL=no/such/too\n", args: ["-t"] },
  EXITCODE: { rc: "EXITCODE=67\n:0\nkept\n" },
  "EXITCODE of the last program": { rc: ":0 w\n* ? false\nno\nEXITCODE=$?\n:0\nkept\n" },
  TRAP: { rc: "TRAP='echo trapped >>@DIR@/out'\n:0\nkept\n" },
  "TRAP's exit code": { rc: "TRAP='exit 9'\nEXITCODE=-1\n:0\nkept\n" },
  "TRAP sees": { rc: "TRAP='echo \"$LASTFOLDER $EXITCODE\" >>@DIR@/out'\n:0\nkept\n" },
  "HOST of another": { rc: "HOST=another.host\n:0\nkept\n" },
  LOGFILE: { rc: "LOGFILE=log\nLOG='hello there\n'\n:0\nkept\n" },
  "what programs say": {
    rc: "LOGFILE=log\n:0 cw\n* ? echo condition; echo err1 >&2\n| cat >/dev/null; echo out; echo err2 >&2\nA=`echo err3 >&2`\n:0 fw\n| cat; echo err4 >&2\n:0\nkept\n",
    messages: ["plain"],
  },
  LOGABSTRACT: {
    rc: "LOGFILE=log\nLOGABSTRACT=all\n:0 c\ncopy\n:0\nkept\n",
    messages: Object.keys(messages),
  },
  "LOGABSTRACT=no": { rc: "LOGFILE=log\nLOGABSTRACT=no\nLOG='only this\n'\n:0\nkept\n" },
  SHELLMETAS: { rc: "SHELLMETAS=\n:0\n| @DIR@/sendmail a|b\n" },
  SENDMAILFLAGS: { rc: "SENDMAILFLAGS='-oi -f bob'\n:0\n! ann@example.org\n" },
  SHIFT: { rc: 'SHIFT=1\n:0\n| cat >/dev/null; echo "$# $1" >>@DIR@/out\n' },
  LINEBUF: {
    rc: "LINEBUF=256\nA=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n:0\n| cat >/dev/null; echo $A >>@DIR@/out\n",
  },
  "a program that is not there": {
    rc: ":0 w\n| /no/such/program\nA=$?\n:0\n| cat >/dev/null; echo $A >>@DIR@/out\n",
  },
  "a script without #!": {
    rc: ":0 w\n| @DIR@/rc.script word\n",
    files: { script: "cat >>@DIR@/out; echo $1 >>@DIR@/out\n" },
  },
  "a Maildir gets it raw": { rc: ":0 r\nMail/\n", messages: ["bare", "nobody"] },
  "a Maildir gets it": { rc: ":0\nMail/\n", messages: ["bare", "nobody", "spam"] },
  "a Maildir gets the body": { rc: ":0 b\nMail/\n", messages: ["bare", "nobody", "spam", "plain"] },
  "a Maildir gets the header": { rc: ":0 h\nMail/\n", messages: ["bare", "nobody", "spam", "plain"] },
  "a directory gets it": { rc: "A=`mkdir dir`\n:0\ndir\n", messages: ["bare", "nobody", "spam"] },
  "MH gets it": { rc: ":0\nmh/.\n", messages: ["bare", "nobody", "spam"] },
  TIMEOUT: {
    rc: "TIMEOUT=1\n:0 w\n| cat >/dev/null; exec sleep 30\n:0\nnext\n",
    messages: ["plain"],
  },
  LOCKFILE: {
    rc: "LOCKFILE=my.lock\n:0 w\n| cat >/dev/null; ls my.lock >>@DIR@/out\n",
    messages: ["plain"],
  },
  "a lock is given back": {
    rc: ":0 c:my.lock\nfirst\n:0\n| cat >/dev/null; ls my.lock >>@DIR@/out 2>/dev/null || echo none >>@DIR@/out\n",
    messages: ["plain"],
  },
  UMASK: { rc: "UMASK=022\n:0\n| cat >/dev/null; umask >>@DIR@/out\n" },
  LASTFOLDER: {
    rc: ":0 c\nMail/\n:0\n| cat >/dev/null; echo \"$LASTFOLDER\" | sed -e 's/new.*//' >>@DIR@/out\n",
  },
  "a vacation recipe": {
    rc: "SHELL=/bin/sh\n:0 Whc: vacation.lock\n* $^To:.*\\<bob\\>\n* !^FROM_DAEMON\n* !^X-Loop: bob@grussell.org\n| cat >>@DIR@/seen\n\n:0 ehc\n| (echo 'To: someone'; echo 'X-Loop: bob@grussell.org'; echo; echo away) | $SENDMAIL -t\n",
  },
  duplicates: { rc: ":0 Wh: msgid.lock\n| cat >/dev/null; exit 1\n:0 a:\nduplicates\n:0\nfirst\n" },
  SpamAssassin: {
    rc: ":0fw: spam.lock\n* < 256000\n| cat\n:0:\n* ^X-Spam-Level: \\*\\*\\*\\*\\*\nspam\n:0\n* ^^rom[ ]\n{\n  LOG=\"*** Dropped F off From_ header! Fixing up. \"\n  :0 fhw\n  | sed -e '1s/^/F/'\n}\n",
    messages: Object.keys(messages),
  },
  "mailing lists by List-Id": {
    rc: ":0:\n* ^List-Id:.*<\\/[a-z-]+\nlists-$MATCH\n\n:0:\n* ^Sender: owner-\\/[^@]+\nlists-$MATCH\n",
    messages: Object.keys(messages),
  },
  Precedence: {
    rc: ":0:\n* ^Precedence: (bulk|list|junk)\n* ! ^FROM_MAILER\nbulk\n",
    messages: Object.keys(messages),
  },
}
