// Behind loader.cjs: runs the quick commands once, against a mail system of straw (straw.ts), and keeps what V8 has compiled of them.
// Called by warm.ts: `node warm.cjs FOLDER`, where FOLDER is a state directory with the sockets, and files to read.
// Types are not checked here: `load` and `scripts` are the loader's.
"use strict"

const fs = require("node:fs")

/** @param {string} folder */
async function warm(folder) {
  process.env["WAYPOST_STATE"] = folder
  process.env["MAILRC"] = `${folder}/no.rc`
  const { runProgram } = load("./main.cjs")
  for (const [input, ...argv] of [
    ["letter", "sendmail", "-t", "-i"],
    ["letter", "sendmail", "-bp"],
    ["letter", "mail", "-s", "a letter", "-c", "ann@example.org", "me"],
    ["letter", "mail", "--dry-run", "-s", "a letter", "me"],
    ["letter", "mailq"],
    ["letter", "waypost", "ready"],
    ["letter", "waypost", "--version"],
    ["letter", "newaliases"],
    ["table", "makemap", "hash", `${folder}/table`],
    ["letter", "waypost", "start", "--help"],
  ]) {
    fs.closeSync(0)
    fs.openSync(`${folder}/${input}`, "r") // the lowest that is free: standard input
    const code = await runProgram(argv)
    if (code !== 0) throw new Error(`${argv.join(" ")} ended with ${code}`)
  }
  for (const piece of processes(fs.readFileSync(`${__dirname}/main.cjs`, "latin1"))) load(piece)
  for (const [name, { script, source }] of scripts) {
    const code = script.createCachedData()
    const head = Buffer.alloc(8)
    head.writeUInt32LE(head.length + code.length)
    fs.writeFileSync(
      `${__dirname}${name.slice(1)}.compiled`,
      Buffer.concat([head, code, Buffer.from(source, "latin1")]),
    )
  }
}

/** The pieces of the daemon's processes, as main.cjs names them: they are loaded and not run. @param {string} main */
function processes(main) {
  return [...main.matchAll(/require\("([^"]+)"\)\)\)\.run(?:Mail|Agent)Process/g)].map(
    ([, piece = ""]) => piece,
  )
}

warm(process.argv[2] ?? "").catch((error) => {
  process.stderr.write(`${error.stack}\n`)
  process.exitCode = 70
})
