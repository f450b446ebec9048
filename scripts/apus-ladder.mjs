// Climbs the ladder of checks of APUS (bench/apus-ladder.ts) and writes docs/check-apus.json and, from it, the tables of
// docs/check-apus.md.
//
//   node scripts/apus-ladder.mjs                 climbs every rung (up to 10 minutes and 8 GiB each), and hunts variants
//   node scripts/apus-ladder.mjs --only RUNG     climbs one rung again, and keeps what is known of the others
//   node scripts/apus-ladder.mjs --only variants, or the name of one
//   node scripts/apus-ladder.mjs --check         climbs the small rungs again and compares counts, draws the tables
//                                                again, writes nothing, and exits 1 when anything differs
//
// Counts are the same in every run that is not cut off; time and memory are those of the machine.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as prettier from 'prettier'
import { bootstrapOrExit } from './bootstrap.mjs'

const root = new URL('../', import.meta.url)
const dataUrl = new URL('docs/check-apus.json', root)
const docUrl = new URL('docs/check-apus.md', root)

await bootstrapOrExit()
const built = (path) => import(new URL(`dist/${path}.js`, root).href)
const { rungs, required, climb, sentencesOfRung } = await built('bench/apus-ladder')
const { huntingGrounds } = await built('bench/apus-hunting-grounds')
const { bugs } = await built('protocol/apus/bugs')

const most = { seconds: 600, mebibytes: 8192 }
const mostOfHunt = { seconds: 180, mebibytes: 6144 }
/** Rungs that a check climbs again. */
const sample = ['normal case', 'crash']

// ---- Climbing ---------------------------------------------------------------------------------------------------

function climbed(rung) {
  let told = 0
  const { result, seconds, notes, cutOffBy } = climb(rung, most, undefined, (now, checker) => {
    if (now < told) return
    told = now + 2
    const { distinct, depth, unknown } = checker.counts()
    process.stderr.write(
      `\r${rung.name}: ${now.toFixed(0)} s, ${distinct} states, depth ${depth}, ${unknown} to do   `,
    )
  })
  process.stderr.write('\n')
  if (result.finding !== undefined)
    throw new Error(`${rung.name}: ${result.finding.violation.name}: ${result.finding.violation.reason}`)
  return {
    name: rung.name,
    ...countsOf(result),
    ...costOf(result, seconds),
    cutOffBy: cutOffBy ?? null,
    notes,
  }
}
const countsOf = ({ distinct, moved, depth, unknown, beyond, takings, exhaustive }) => ({
  distinct,
  moved,
  depth,
  unknown,
  beyond,
  takings,
  exhaustive,
})
const costOf = ({ bytes, wordsPerState, bytesPerState }, seconds) => ({
  seconds: Math.round(seconds),
  mebibytes: Math.round(bytes / 2 ** 20),
  bytesPerState: Math.round(bytesPerState),
  wordsPerState,
})

/** The first hunting ground on which a variant is found, or how far it was hunted on each. */
function hunted(bug) {
  const grounds = []
  for (const rung of huntingGrounds(bug)) {
    process.stderr.write(`\r${bug} on ${rung.name}                                        `)
    const { result, cutOffBy } = climb(rung, mostOfHunt, bug)
    const { finding } = result
    if (finding !== undefined)
      return {
        bug,
        rung: rung.name,
        by: finding.violation.name,
        steps: finding.actions.length,
        states: result.distinct,
      }
    grounds.push({ rung: rung.name, depth: result.depth, isWhole: cutOffBy === undefined })
  }
  return { bug, grounds }
}

// ---- Tables -----------------------------------------------------------------------------------------------------

const grouped = (count) => String(count).replace(/\B(?=(\d{3})+$)/g, ' ')
const table = (head, rows, align) =>
  [head, align.map((side) => (side === 'right' ? '--:' : '---')), ...rows]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n')

const ladderTable = (data) =>
  table(
    ['rung', 'states', 'moves', 'depth', 'time', 'memory', 'unknown', ''],
    data.rungs.map(({ name, distinct, moved, depth, seconds, mebibytes, unknown, exhaustive, cutOffBy }) => [
      name === required.name ? `**${name}**` : name,
      grouped(distinct),
      grouped(moved),
      String(depth),
      `${grouped(seconds)} s`,
      `${grouped(mebibytes)} MiB`,
      grouped(unknown),
      exhaustive ? 'exhaustive' : `cut off by ${cutOffBy}`,
    ]),
    ['left', 'right', 'right', 'right', 'right', 'right', 'right', 'left'],
  )

/** The scenes of the hunts that are no rungs, in words. */
function groundList() {
  const all = Object.keys(bugs).flatMap(huntingGrounds)
  const others = all.filter(({ name }, at) => all.findIndex((each) => each.name === name) === at)
  return others
    .filter(({ name }) => rungs.every((rung) => rung.name !== name))
    .map((ground) => [`**${ground.name}**. ${ground.story}`, ...sentencesOfRung(ground)].join(' '))
    .join('\n\n')
}

/** Each rung in words; what its replicas noted shows how far it goes. */
const rungList = (data) =>
  rungs
    .map((rung) => {
      const notes = data.rungs.find(({ name }) => name === rung.name)?.notes ?? []
      return [
        `**${rung.name}**. ${rung.story}`,
        ...sentencesOfRung(rung),
        ...(rung.reduce.length === 0 ? [] : [`Reductions: ${rung.reduce.join(', ')}.`]),
        ...(notes.length === 0 ? [] : [`Replicas noted: ${notes.join(', ')}.`]),
      ].join(' ')
    })
    .join('\n\n')

const reach = ({ rung, depth, isWhole }) => `${rung} ${isWhole ? 'whole' : `to depth ${depth}`}`

function variantTable({ variants }) {
  const lost = variants.filter(({ by }) => by === undefined)
  const rest = Object.keys(bugs).filter((bug) => variants.every((each) => each.bug !== bug))
  const found = variants.filter(({ by }) => by !== undefined)
  return [
    table(
      ['wrong variant', 'rung', 'found by', 'steps', 'states looked at'],
      found.map(({ bug, rung, by, steps, states }) => [
        `\`${bug}\``,
        rung,
        `\`${by}\``,
        String(steps),
        grouped(states),
      ]),
      ['left', 'left', 'left', 'right', 'right'],
    ),
    '',
    `Hunted and not found: ${lost.map(({ bug, grounds }) => `\`${bug}\` (${grounds.map(reach).join(', ')})`).join('; ')}.`,
    ...(rest.length === 0 ? [] : ['', `Not hunted yet: ${rest.map((bug) => `\`${bug}\``).join(', ')}.`]),
  ].join('\n')
}

async function documentOf(text, data) {
  const blocks = {
    ladder: ladderTable(data),
    rungs: rungList(data),
    grounds: groundList(),
    variants: variantTable(data),
  }
  let out = text
  for (const [name, block] of Object.entries(blocks)) {
    const begin = `<!-- made by scripts/apus-ladder.mjs: ${name} -->`
    const from = out.indexOf(begin)
    const to = out.indexOf('<!-- end -->', from)
    if (from < 0 || to < 0) throw new Error(`docs/check-apus.md: has no place for ${name}`)
    out = `${out.slice(0, from + begin.length)}\n\n${block}\n\n${out.slice(to)}`
  }
  return format(out, docUrl, 'markdown')
}
const format = async (text, url, parser) =>
  prettier.format(text, { ...(await prettier.resolveConfig(fileURLToPath(url))), parser })

// ---- All together -----------------------------------------------------------------------------------------------

const known = existsSync(dataUrl) ? JSON.parse(readFileSync(dataUrl, 'utf8')) : { rungs: [], variants: [] }
const inOrder = (all) => rungs.flatMap(({ name }) => all.filter((rung) => rung.name === name))
const write = async (data) => {
  writeFileSync(dataUrl, await format(JSON.stringify(data), dataUrl, 'json'))
  writeFileSync(docUrl, await documentOf(readFileSync(docUrl, 'utf8'), data))
}

const [flag, name, ...rest] = process.argv.slice(2)
const isCall =
  flag === undefined ||
  (flag === '--check' && name === undefined) ||
  (flag === '--only' && name !== undefined)
if (!isCall || rest.length > 0) {
  console.error(
    'usage: node scripts/apus-ladder.mjs [--check | --only RUNG | --only variants | --only VARIANT]',
  )
  process.exit(2)
}

if (flag === '--check') {
  for (const rung of rungs.filter(({ name }) => sample.includes(name))) {
    const kept = known.rungs.find(({ name }) => name === rung.name)
    const now = climbed(rung)
    for (const key of Object.keys(countsOf(now)))
      if (kept?.[key] !== now[key]) complain(`${rung.name}: ${key} is ${now[key]}, not ${kept?.[key]}`)
  }
  const text = readFileSync(docUrl, 'utf8')
  if ((await documentOf(text, known)) !== text) complain('the tables of docs/check-apus.md are others')
} else {
  const only = name
  const chosen = rungs.filter(({ name }) => only === undefined || name === only)
  const hunts = Object.keys(bugs).filter((bug) => only === undefined || only === 'variants' || only === bug)
  if (chosen.length === 0 && hunts.length === 0) {
    console.error(
      `there is no rung ${only}; there is ${rungs.map(({ name }) => name).join(', ')}, variants, and each variant`,
    )
    process.exit(2)
  }
  if (!existsSync(dataUrl)) writeFileSync(dataUrl, JSON.stringify(known))
  for (const rung of chosen) {
    const own = climbed(rung)
    const data = JSON.parse(readFileSync(dataUrl, 'utf8'))
    const others = data.rungs.filter(({ name }) => name !== rung.name)
    await write({ ...data, rungs: inOrder([...others, own]) })
  }
  for (const bug of hunts) {
    const own = hunted(bug)
    process.stderr.write(`\r${JSON.stringify(own)}\n`)
    // Another run may have written meanwhile.
    const data = JSON.parse(readFileSync(dataUrl, 'utf8'))
    const all = [...data.variants.filter((each) => each.bug !== bug), own]
    const variants = Object.keys(bugs).flatMap((name) => all.filter((each) => each.bug === name))
    await write({ ...data, variants })
  }
}

function complain(what) {
  console.error(`${what}: run \`node scripts/apus-ladder.mjs\`, read what it writes, and commit it.`)
  process.exitCode = 1
}
