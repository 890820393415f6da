// A compiled sendmail.cf of a few rules, written by hand: a host that keeps its own mail and sends all other by SMTP.

/** Its rulesets have sendmail's numbers and names; `more` goes before them. */
export const smallCf = (more = ""): string => `V10/Berkeley
O OperatorChars=.:%@!^/[]+
O BlankSub=.
Djmx.grussell.org
Cwgrussell.org mx.grussell.org
${more}Scanonify=3
R$* < $+ > $*\t$2
R$+ @ $+\t\t$: $1 < @ $2 >
R$+ < @ $=w >\t$: $1 < @ $2 . >
Sparse=0
R$+ < @ $=w . >\t$#local $: $1
R$+ < @ $+ >\t$#esmtp $@ $2 $: $1 < @ $2 >
R$+\t$#local $: $1
Sfinal=4
R$* < @ $+ . > $*\t$1 @ $2 $3
R$* < $+ > $*\t$1 $2 $3
SToRemote
R$+ < @ $* >\t$@ $1 < @ $2 >
R$+\t$: $1 < @ $j >
Mlocal,\tP=/usr/bin/procmail, F=lsDFMAw5:/|@qSPfhn9, S=0, R=0, T=DNS/RFC822/X-Unix, A=procmail -Y -a $h -d $u
Mesmtp,\tP=[IPC], F=mDFMuXa, S=ToRemote, R=ToRemote, E=\\r\\n, L=990, T=DNS/RFC822/SMTP, A=TCP $h
`
