import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { after, test } from "node:test"
import { checkLogin } from "./login.ts"

const isRoot = process.getuid?.() === 0
const helper = ["/usr/sbin/unix_chkpwd", "/sbin/unix_chkpwd"].some((path) => existsSync(path))
const login = `wp${process.pid}`
const run = (command: string, args: readonly string[], input = "") =>
  spawnSync(command, args, { encoding: "utf8", input })
const skip =
  isRoot && helper ? false : "needs root and unix_chkpwd, to make an account and ask for its password"

if (skip === false) {
  const hash = run("openssl", ["passwd", "-6", "-stdin"], "secret of gor\n").stdout.trim()
  const words = ["--no-create-home", "--shell", "/usr/sbin/nologin", "--password", hash, login]
  const made = run("useradd", words)
  assert.equal(made.status, 0, made.stderr)
  after(() => run("userdel", [login]))
}

async function asked(name: string, password: string, asRoot = true): Promise<string> {
  const { outcome } = await checkLogin(name, Buffer.from(password), asRoot)
  return outcome
}

test("an account of the machine is known by its own password alone", { skip }, async () => {
  assert.equal(await asked(login, "secret of gor"), "done")
  for (const wrong of ["secret", "", "secret of gor ", "secret of gor\0"])
    assert.equal(await asked(login, wrong), "failed", JSON.stringify(wrong))
  assert.equal(await asked(`${login}x`, "secret of gor"), "failed")
})

test("root is never asked about, nor a name that could be an argument", { skip }, async () => {
  const names = ["root", "-h", "", "a b", "../gor", "gor\n", "x".repeat(65)]
  const outcomes = await Promise.all(names.map((name) => asked(name, "secret")))
  assert.deepEqual(new Set(outcomes), new Set(["failed"]))
})

test("no refusal is quick enough to tell whether there is such an account", { skip }, async () => {
  for (const name of [login, `${login}x`, "root"]) {
    const started = performance.now()
    await asked(name, "guess")
    assert.ok(performance.now() - started > 295, name)
  }
})

test("who is not root cannot tell, which is no refusal", async () => {
  assert.equal(await asked("gor", "secret", false), "later")
})
