// Climbs the ladder of checks of APUS (bench/apus-ladder.ts) and writes docs/check-apus.json and, from it, the tables of
// docs/check-apus.md.
//
//   node scripts/apus-ladder.mjs                 climbs every rung (up to 10 minutes and 8 GiB each), and hunts variants
//   node scripts/apus-ladder.mjs --only RUNG     climbs one rung again, and keeps what is known of the others
//   node scripts/apus-ladder.mjs --only variants, or the name of one
//   node scripts/apus-ladder.mjs --only along [VARIANT]   hunts along kept traces alone, and keeps the rest
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
const { huntingGrounds, huntAlong } = await built('bench/apus-hunting-grounds')
const { decodeTrace } = await built('sim/trace/index')
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

/** What the kept trace of a variant comes to, and what is found in its neighbourhood. */
function huntedAlong(bug) {
  const trace = decodeTrace(readFileSync(new URL(`tests/apus/traces/${bug}.aviary`, root)))
  if (trace.violation === undefined) return { minimised: null }
  process.stderr.write(`\r${bug} along its trace                                        `)
  const { result } = huntAlong(trace, mostOfHunt)
  const { finding, distinct, depth } = result
  return {
    minimised: trace.actions.length,
    along:
      finding === undefined
        ? { depth, states: distinct }
        : { steps: finding.actions.length, by: finding.violation.name, states: distinct },
  }
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
  const judged = variants.filter(({ along }) => along !== undefined)
  const stopping = variants.filter(({ minimised }) => minimised === null)
  const shortest = ({ steps, along }) => Math.min(steps ?? Infinity, along.steps ?? Infinity)
  const longer = judged.filter((each) => !(shortest(each) <= each.minimised))
  const lost = judged.filter(({ by }) => by === undefined)
  return [
    table(
      ['wrong variant', 'minimised', 'along it', 'states', 'on a rung', 'states', 'rung'],
      judged.map(({ bug, minimised, along, rung, steps, states }) => [
        `\`${bug}\``,
        String(minimised),
        String(along.steps ?? `none to ${along.depth}`),
        grouped(along.states),
        steps === undefined ? '' : String(steps),
        steps === undefined ? '' : grouped(states),
        rung ?? '',
      ]),
      ['left', 'right', 'right', 'right', 'right', 'right', 'left'],
    ),
    '',
    `${judged.length - longer.length} of ${judged.length} are found by a schedule that is no longer than the minimised one${longer.length === 0 ? '' : `, all but ${listOf(longer)}`}; ${judged.length - lost.length} on a rung, of which the trace knows nothing.`,
    '',
    `Hunted on rungs and not found: ${lost.map(({ bug, grounds }) => `\`${bug}\` (${grounds.map(reach).join(', ')})`).join('; ')}.`,
    '',
    `These only stop progress, which no search for a violation finds: ${listOf(stopping)}.`,
  ].join('\n')
}
const listOf = (variants) => variants.map(({ bug }) => `\`${bug}\``).join(', ')

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

const [flag, name, along, ...rest] = process.argv.slice(2)
const isCall =
  flag === undefined ||
  (flag === '--check' && name === undefined) ||
  (flag === '--only' && name !== undefined)
if (
  !isCall ||
  rest.length > 0 ||
  (along !== undefined && (name !== 'along' || !Object.hasOwn(bugs, along)))
) {
  console.error(
    'usage: node scripts/apus-ladder.mjs [--check | --only RUNG | --only variants | --only along [VARIANT] | --only VARIANT]',
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
  const isAlongOnly = only === 'along'
  const isAll = only === undefined || only === 'variants' || isAlongOnly
  const hunts = Object.keys(bugs).filter(
    (bug) => along === bug || (along === undefined && (isAll || only === bug)),
  )
  if (chosen.length === 0 && hunts.length === 0) {
    console.error(
      `there is no rung ${only}; there is ${rungs.map(({ name }) => name).join(', ')}, variants, along, and each variant`,
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
    const before = known.variants.find((each) => each.bug === bug)
    const own = { ...(isAlongOnly ? before : hunted(bug)), ...huntedAlong(bug) }
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
