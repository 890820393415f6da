// `waypost forensics --quiz`: a message is made up with one known fault, or none; the student finds it.
import { createInterface } from "node:readline"
import { openCase } from "../forensics/case.ts"
import { judge } from "../forensics/judgement.ts"
import { type Dice, faults, makeQuestion, type Question } from "../forensics/quiz.ts"
import { printReport } from "../forensics/report.ts"
import { exits, type Io, refuse } from "./io.ts"

export type QuizOptions = { readonly number: string; readonly json: boolean }

/** Asks one question; ends with 0 for the right answer, 1 for a wrong one. */
export async function runQuiz({ number, json }: QuizOptions, io: Io): Promise<number> {
  if (!/^\d{1,9}$/.test(number))
    return refuse(io, `waypost forensics: --number is a number, not "${number}"`, exits.usage)
  const question = makeQuestion(diceOf(Number(number)))
  if (json) {
    io.stdout.write(`${JSON.stringify({ number: Number(number), ...question })}\n`)
    return exits.ok
  }
  io.stdout.write(`${asked(number, question)}`)
  const answer = await firstLine(io)
  const chosen = faults[Number(answer.trim()) - 1]
  if (chosen === undefined)
    return refuse(io, `waypost forensics: the answer is a number from 1 to ${faults.length}`, exits.usage)
  const right = chosen.name === question.fault
  const judgement = judge(openCase(Buffer.from(question.text), { receiver: question.receiver }))
  io.stdout.write(
    `\n${right ? "Right." : `No: it was ${indexOf(question) + 1}.`} ${question.answer}\n\n${printReport(judgement)}`,
  )
  return right ? exits.ok : 1
}

function indexOf({ fault }: Question): number {
  return faults.findIndex(({ name }) => name === fault)
}

function asked(number: string, { text, receiver }: Question): string {
  const choices = faults.map(({ says }, n) => `  ${n + 1}  ${says}`).join("\n")
  return `Question ${number}. ${receiver} is your own server. What is wrong with this message?\n\n${text}\n${choices}\n\nYour answer: `
}

async function firstLine({ stdin }: Io): Promise<string> {
  const lines = createInterface({ input: stdin })
  try {
    for await (const line of lines) return line
    return ""
  } finally {
    lines.close()
  }
}

/** Chance from a number: the same number gives the same question (a generator of Lehmer's, good enough for a quiz). */
export function diceOf(seed: number): Dice {
  let state = ((seed * 2_654_435_761) % 2_147_483_646) + 1
  const next = () => {
    state = (state * 48_271) % 2_147_483_647
    return state
  }
  for (let n = 0; n < 3; n++) next()
  return (below) => Math.floor((next() / 2_147_483_647) * below)
}
