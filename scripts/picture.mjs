// Draws the picture of the README from a real run: hunts a planted bug with the `aviary` command, reads the minimised
// trace that it wrote, and writes docs/space-time.svg and the console excerpt in README.md.
//
//   node scripts/picture.mjs          writes both
//   node scripts/picture.mjs --check  writes nothing; exits 1 when either differs from what is committed
//
// The same code gives the same bytes: the hunt starts from a fixed seed, and shrinking is not cut off by the clock.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bootstrapOrExit } from './bootstrap.mjs'

const system = 'rdma-register'
const bug = 'blank-read'
const command = `npx aviary explore ${system} --bug ${bug} --seed 1 --seconds 60`

const root = new URL('../', import.meta.url)
const pictureUrl = new URL('docs/space-time.svg', root)
const readmeUrl = new URL('README.md', root)
const excerptBegin = '<!-- made by scripts/picture.mjs -->\n'
const excerptEnd = '<!-- end -->\n'

// ---- The run ----------------------------------------------------------------------------------------------------

/** Standard output of the command. */
function aviary(...args) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [fileURLToPath(new URL('cli/aviary.mjs', root)), ...args],
    { encoding: 'utf8', env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '' }, maxBuffer: 2 ** 26 },
  )
  if (status !== 1) throw new Error(`aviary ${args.join(' ')}: exit ${status}, not 1\n${stdout}${stderr}`)
  return stdout
}

/** Finds and minimises the bug; the trace and its explanation. */
function findBug() {
  const folder = mkdtempSync(join(tmpdir(), 'aviary-picture-'))
  try {
    const hunt = [
      'explore',
      system,
      '--bug',
      bug,
      '--seed',
      '1',
      '--seconds',
      '120',
      '--shrink-seconds',
      '600',
    ]
    const found = JSON.parse(aviary(...hunt, '--out', folder, '--json'))
    const { trace } = found.violations[0]
    return { bytes: readFileSync(trace), explanation: aviary('explain', trace) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What happened, as plain data: lanes, rows, arrows between them, and when a node was down. */
async function follow(bytes) {
  const dist = new URL('dist/', root)
  const { systems } = await import(new URL('protocol/index.js', dist).href)
  const { decodeTrace, walk } = await import(new URL('sim/trace/index.js', dist).href)
  const { Arrows } = await import(new URL('sim/trace/export/arrows.js', dist).href)
  const { isFaultKind } = await import(new URL('sim/world/site.js', dist).href)

  const trace = decodeTrace(bytes)
  const rows = []
  const arrows = []
  const origins = new Map()
  let watch
  let notes = []
  const steps = walk(
    systems.find(({ name }) => name === system),
    trace,
    {
      begin({ world }) {
        watch = new Arrows(world)
        const judge = world.listener
        world.listener = {
          note(node, kind, value) {
            notes.push(`${world.nodes[node].definition.notes[kind]} ${value}`)
            judge?.note?.(node, kind, value)
          },
          deliver: (...what) => judge?.deliver?.(...what),
          call: (...what) => judge?.call?.(...what),
          return: (...what) => judge?.return?.(...what),
          abandon: (...what) => judge?.abandon?.(...what),
          reply: (...what) => judge?.reply?.(...what),
        }
      },
      before: (_index, site, choice) => watch.before(site, site.subject(choice)),
    },
  )
  for (const { index, site, words, run } of steps) {
    const lane = site.node >= 0 ? `n${site.node}` : /c\d+/.exec(site.name)[0]
    const { through, ends } = watch.after()
    for (const arrow of [...through, ...ends]) {
      const origin = origins.get(arrow)
      const from = [origin?.last, origin?.first].find((place) => place !== undefined && place.lane !== lane)
      if (from !== undefined) arrows.push({ from, to: { row: index, lane } })
      origins.set(arrow, { first: origin?.first ?? { row: index, lane }, last: { row: index, lane } })
    }
    const what = [site.kind, words].filter((text) => text !== '').join(' ')
    const down = run.world.nodes
      .filter((node) => run.world.isDown(node.index))
      .map((node) => `n${node.index}`)
    rows.push({ lane, what, notes, isFault: isFaultKind(site.kind), down })
    notes = []
  }
  const used = new Set(rows.map(({ lane }) => lane))
  return { rows, arrows, lanes: [...used].sort(), violation: trace.violation }
}

// ---- The picture ------------------------------------------------------------------------------------------------

const style = `
    .ground { fill: #ffffff } .ink { fill: #1f2328 } .quiet { fill: #59636e } .bad { fill: #c62828 }
    .lane { stroke: #8c959f; stroke-width: 2 } .down { stroke-dasharray: 2 6 }
    .arrow { stroke: #2563eb; stroke-width: 1.5; fill: none } .head, .dot { fill: #2563eb }
    .cross { stroke: #c62828; stroke-width: 3 } .verdict { fill: #c62828; fill-opacity: 0.1; stroke: #c62828 }
    text { font: 13px ui-sans-serif, system-ui, sans-serif } .name { font-weight: 600 } .small { font-size: 12px }
    @media (prefers-color-scheme: dark) {
      .ground { fill: #0d1117 } .ink { fill: #e6edf3 } .quiet { fill: #9198a1 } .bad { fill: #ff7b72 }
      .lane { stroke: #6e7681 } .arrow { stroke: #79b8ff } .head, .dot { fill: #79b8ff }
      .cross, .verdict { stroke: #ff7b72 } .verdict { fill: #ff7b72 }
    }`

const width = 780
const laneLeft = 60
const laneGap = 130
const top = 74
const rowHeight = 32

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

function draw({ rows, arrows, lanes, violation }) {
  const x = (lane) => laneLeft + lanes.indexOf(lane) * laneGap
  const y = (row) => top + row * rowHeight
  const labels = x(lanes.at(-1)) + 40
  const bottom = y(rows.length - 1) + 18
  const height = bottom + 76
  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="Space-time diagram of ${bug} in ${system}">`,
    `  <style>${style}\n  </style>`,
    `  <rect class="ground" width="${width}" height="${height}" rx="8"/>`,
    `  <text class="ink name" x="24" y="28">${system}, wrong variant ${bug}: ${rows.length} steps, found and minimised by Aviary</text>`,
  ]
  for (const lane of lanes) {
    const role = lane.startsWith('c') ? 'client ' : 'node '
    out.push(
      `  <text class="ink name" x="${x(lane)}" y="${top - 18}" text-anchor="middle">${role}${lane}</text>`,
    )
    for (let row = 0; row < rows.length; row++) {
      const end = row + 1 < rows.length ? y(row + 1) : bottom
      const kind = rows[row].down.includes(lane) ? 'lane down' : 'lane'
      out.push(`  <line class="${kind}" x1="${x(lane)}" y1="${y(row)}" x2="${x(lane)}" y2="${end}"/>`)
    }
  }
  for (const { from, to } of arrows) out.push(arrowBetween(x(from.lane), y(from.row), x(to.lane), y(to.row)))
  rows.forEach(({ lane, what, notes, isFault }, row) => {
    const at = { x: x(lane), y: y(row) }
    out.push(
      isFault
        ? `  <path class="cross" d="M${at.x - 6} ${at.y - 6}l12 12m0 -12l-12 12"/>`
        : `  <circle class="dot" cx="${at.x}" cy="${at.y}" r="4.5"/>`,
    )
    const told = notes.length === 0 ? '' : ` <tspan class="quiet">— ${escape(notes.join(', '))}</tspan>`
    out.push(
      `  <text class="quiet small" x="${labels}" y="${at.y + 4}" text-anchor="end">${row + 1}</text>`,
      `  <text class="${isFault ? 'bad' : 'ink'}" x="${labels + 12}" y="${at.y + 4}">${escape(what)}${told}</text>`,
    )
  })
  out.push(
    `  <rect class="verdict" x="16" y="${bottom + 14}" width="${width - 32}" height="46" rx="6"/>`,
    `  <text class="bad name" x="30" y="${bottom + 33}">${escape(violation.name)} is violated after step ${violation.at}</text>`,
    `  <text class="ink small" x="30" y="${bottom + 51}">${escape(violation.reason)}</text>`,
    '</svg>',
  )
  return `${out.join('\n')}\n`
}

/** A line that ends beside the dot of its end, with a head that points along it. */
function arrowBetween(x1, y1, x2, y2) {
  const length = Math.hypot(x2 - x1, y2 - y1)
  const [dx, dy] = [(x2 - x1) / length, (y2 - y1) / length]
  const at = (along, across) =>
    `${(x2 - dx * along - dy * across).toFixed(1)} ${(y2 - dy * along + dx * across).toFixed(1)}`
  return `  <path class="arrow" d="M${x1} ${y1}L${at(8, 0)}"/><path class="head" d="M${at(5, 0)}L${at(14, 4)}L${at(14, -4)}Z"/>`
}

// ---- The excerpt ------------------------------------------------------------------------------------------------

/** What is told of the finding: the reason and the table, of which each row is cut to one line. */
function excerptOf(explanation) {
  const lines = explanation.split('\n').map((line) => line.replace(/^ {2}/, ''))
  const begin = lines.findIndex((line) => line.includes(' is violated after '))
  const end = lines.findIndex((line) => line.trim() === 'At the end')
  const head = lines.findIndex((line) => /^ *# /.test(line))
  const told = [...lines.slice(begin, head), ...oneLineEach(lines.slice(head, end))]
  return `\`\`\`console\n$ ${command} # exits 1\n…\n${told.join('\n').trimEnd()}\n…\n\`\`\`\n`
}

/** Rows of a table begin with a number; what goes on below them becomes an ellipsis. */
function oneLineEach(lines) {
  const isRow = (line) => /^ *[\d#]/.test(line)
  const goesOn = (line) => line !== undefined && line.trim() !== '' && !isRow(line)
  return lines.flatMap((line, i) => (isRow(line) ? [goesOn(lines[i + 1]) ? `${line} …` : line] : []))
}

function withExcerpt(readme, excerpt) {
  const begin = readme.indexOf(excerptBegin) + excerptBegin.length
  const end = readme.indexOf(excerptEnd)
  if (begin < excerptBegin.length || end < begin) throw new Error('README.md: has no place for the excerpt')
  return `${readme.slice(0, begin)}\n${excerpt}\n${readme.slice(end)}`
}

// ---- All together -----------------------------------------------------------------------------------------------

await bootstrapOrExit()
const { bytes, explanation } = findBug()
const readme = readFileSync(readmeUrl, 'utf8')
const made = [
  [pictureUrl, draw(await follow(bytes))],
  [readmeUrl, withExcerpt(readme, excerptOf(explanation))],
]
for (const [url, text] of made) {
  const path = fileURLToPath(url)
  if (!process.argv.includes('--check')) {
    writeFileSync(path, text)
    continue
  }
  if (readFileSync(path, 'utf8') === text) continue
  console.error(
    `${path} is not what this code draws: run \`node scripts/picture.mjs\`, look at it, and commit it.`,
  )
  process.exitCode = 1
}
