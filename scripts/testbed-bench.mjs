// Measures commits over RDMA verbs in virtual machines beside a WRITE alone, and writes docs/testbed.json and the tables
// of docs/testbed.md from it.
//
//   node scripts/testbed-bench.mjs                   measures and writes both
//   node scripts/testbed-bench.mjs --tables [FILE]   measures nothing: writes the tables from the figures, or from those
//                                                    that `bench commit --fabric verbs --json` gave
//   node scripts/testbed-bench.mjs --check           writes nothing; exits 1 when the tables are not what the figures give
//
// Figures differ from machine to machine and from run to run, so a check cannot measure again.
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { bootstrapOrExit } from './bootstrap.mjs'
import { drawn, formatted, table } from './sections.mjs'

const script = 'scripts/testbed-bench.mjs'
const root = new URL('../', import.meta.url)
const docPath = 'docs/testbed.md'
const dataPath = 'docs/testbed.json'

const places = {
  'one machine': 'one machine, two processors',
  'a machine for each': 'a machine for each',
  counted: 'one machine, counted',
}
const grouped = (n) => String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ',')
const pair = ({ p50, p99 }) => `${grouped(p50)} / ${grouped(p99)}`

const extent = ({ nodes, sizeBytes, hostProcessors, processor, node, accelerator, loadAverage }) =>
  `${nodes} replicas, values of ${sizeBytes} bytes, on ${hostProcessors} processors (${processor}), Node ${node}; machines were ${accelerator === 'kvm' ? 'run by KVM' : 'emulated'}. The load average was ${loadAverage[0].toFixed(1)} before and ${loadAverage[1].toFixed(1)} after: ${Math.max(...loadAverage) > hostProcessors ? 'other programs used the machine as well' : 'hardly anything else ran'}.`

function commitsTable(figures) {
  const windows = [...new Set(figures.places.flatMap(({ commits }) => commits.map(({ window }) => window)))]
  const cell = (list, window) => {
    const found = list.find((load) => load.window === window)
    return found === undefined ? '–' : `${pair(found)} (${grouped(found.commits)})`
  }
  const each = (name, of) => [name, ...figures.places.map(of)]
  return table(
    ['p50 / p99, µs (how many)', ...figures.places.map(({ place }) => places[place])],
    [
      each('WRITE of 64 bytes, post to completion', ({ rawWrite }) => pair(rawWrite)),
      each('`ib_write_lat`, half a round trip: typical / p99', ({ writeLat }) =>
        writeLat === undefined ? '–' : `${grouped(writeLat.typical)} / ${grouped(writeLat.p99)}`,
      ),
      ...windows.flatMap((window) => [
        each(`commit, ${window} under way`, ({ commits }) => cell(commits, window)),
        each(`the same over shared memory, ${window} under way`, ({ withoutDevice }) =>
          cell(withoutDevice, window),
        ),
        each(`SET through the gateway, ${window} under way`, ({ sets }) => cell(sets, window)),
      ]),
      each('commit by WRITE, medians', ({ ratio }) => ratio.toFixed(1)),
    ],
    1,
  )
}

const goalsTable = ({ goals, leftOut }) =>
  table(
    ['goal', 'where', 'result', 'wanted, at most', 'reached'],
    [
      ...goals.map(({ goal, place, wanted, reached, isMet }) => [
        goal,
        places[place],
        isMet ? 'met' : '**missed**',
        wanted.toFixed(1),
        reached.toFixed(1),
      ]),
      ...leftOut.map(({ part, reason }) => [part, '–', `skipped: ${reason}`, '–', '–']),
    ],
    3,
  )

/** What a commit costs that is not the device's, in WRITEs. */
function bound({ places }) {
  const counted = places.find(({ place }) => place === 'counted')
  if (counted === undefined || counted.withoutDevice.length === 0) return 'That was not measured in this run.'
  const { rawWrite, commits, withoutDevice } = counted
  const writes = (micros) => (micros / rawWrite.p50).toFixed(1)
  return `In counted time a commit with one under way takes ${writes(commits[0].p50)} WRITEs, and the same replicas without any device, on shared memory, ${writes(withoutDevice[0].p50)}: so much of it is the program and the change from one process to the next.`
}

const sections = { extent, commits: commitsTable, goals: goalsTable, bound }
const draw = (document, figures) => drawn(script, docPath, document, sections, figures)

async function measured() {
  await bootstrapOrExit()
  const { benchVerbs } = await import(new URL('dist/bench/verbs.js', root).href)
  return benchVerbs({ onProgress: (what) => console.error(`measuring ${what} …`) })
}

const [mode, file] = process.argv.slice(2)
const stored = () => JSON.parse(readFileSync(new URL(dataPath, root), 'utf8'))
const document = readFileSync(new URL(docPath, root), 'utf8')
if (mode === '--check') {
  const isSame = (await draw(document, stored())) === document
  if (!isSame) console.error(`${docPath}: the tables are not those of the figures: node ${script} --tables`)
  process.exitCode = isSame ? 0 : 1
} else {
  const place = { node: process.versions.node, processor: cpus()[0]?.model ?? 'unknown' }
  const figures =
    mode !== '--tables'
      ? { ...(await measured()), ...place }
      : file === undefined
        ? stored()
        : { ...JSON.parse(readFileSync(file, 'utf8')), ...place }
  writeFileSync(new URL(dataPath, root), await formatted(JSON.stringify(figures), dataPath))
  writeFileSync(new URL(docPath, root), await draw(document, figures))
}
