// What `?` prints in sendmail -bt.

/** The commands of test mode, one a line. */
export const testHelp: readonly string[] = [
  "Help for test mode:",
  "RULESETS ADDRESS  :what the rulesets make of the address: 3,0 bob@example.org",
  "/parse ADDRESS    :where it goes: mailer, host and user",
  "/sender ADDRESS   :the same for a sender",
  "/tryflags FLAGS   :H header or E envelope, S sender or R recipient, for /try",
  "/try MAILER ADDRESS :the form in which the address leaves by that mailer",
  "/map NAME KEY     :asks a map",
  "/mx HOST          :the exchangers of a domain, best first",
  "/canon HOST       :the real name of a host",
  "/gethostbyname HOST :its addresses",
  "/dnslookup HOST [TYPE] :its records",
  "/expand TEXT      :the text with its macros put in",
  "/header LINE      :how a header field is read",
  "/quit             :ends",
  ".DmVALUE          :gives macro m a value, .D{name}VALUE one with a name",
  ".CcWORD           :puts a word into class c",
  "=SRULESET         :the rules of a ruleset",
  "=M                :the mailers",
  "$m                :the value of macro m",
  "$=c               :the members of class c",
  "-dFLAGS           :traces rules, -d21.12 each one that is tried",
  "End of HELP info",
]
