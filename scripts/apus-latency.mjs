// Makes the latency study of APUS: measures every point of its plan in virtual time, and writes docs/apus-latency.json,
// the tables of docs/apus-latency.md and the plot docs/apus-latency.svg from them.
//
//   node scripts/apus-latency.mjs          measures and writes all three (about a minute)
//   node scripts/apus-latency.mjs --check  writes nothing; measures some of the points again, draws the tables and the
//                                          plot again from the figures, and exits 1 when anything differs
//
// The same code gives the same bytes: time is virtual, and the seeds are fixed.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as prettier from 'prettier'
import { bootstrapOrExit } from './bootstrap.mjs'

const root = new URL('../', import.meta.url)
const dataUrl = new URL('docs/apus-latency.json', root)
const docUrl = new URL('docs/apus-latency.md', root)
const plotUrl = new URL('docs/apus-latency.svg', root)

await bootstrapOrExit()
const built = (name) => import(new URL(`dist/bench/latency/${name}.js`, root).href)
const { plan, published, replicaCounts, extent, measurePoint } = await built('plan')
const { measured, divided, pathOf, followerNanos } = await built('hardware')

// ---- Figures ----------------------------------------------------------------------------------------------------

const isSame = (a, b) => Object.keys(a).every((key) => a[key] === b[key])
const round = (value) => Math.round(value)
const roundAll = (distribution) =>
  Object.fromEntries(Object.entries(distribution).map(([key, value]) => [key, round(value)]))

/** What is kept of a point: nanoseconds, and requests a second. */
function measure(point) {
  const { requests, consensus, answer, rate, inFlight } = measurePoint(point)
  return {
    ...point,
    requests,
    consensus: roundAll(consensus),
    answer: roundAll(answer),
    rate: round(rate),
    inFlight: Number(inFlight.toFixed(2)),
  }
}

/** The points that a check measures again: the smallest and the largest cluster beside the paper's figures. */
const isSample = ({ replicas, clients, threads, variant }) =>
  (replicas === 3 || replicas === 9) && clients === 'network' && threads === 'many' && variant === 'published'

const asPublished = { stores: true, threads: 'many', clients: 'network', variant: 'published' }
const finder = (figures) => (wanted) => {
  const found = figures.find((figure) => isSame({ ...asPublished, ...wanted }, figure))
  if (found === undefined) throw new Error(`the plan has no point ${JSON.stringify(wanted)}`)
  return found
}

// ---- Tables -----------------------------------------------------------------------------------------------------

const micros = (nanos) => (nanos / 1000).toFixed(2)
const percent = (share) => `${share < 0 ? '−' : '+'}${Math.abs(share * 100).toFixed(1)} %`
const words = new Set(['figure', 'action', 'source'])
const table = (head, rows) =>
  [head, head.map((name, i) => (i === 0 || words.has(name) ? '---' : '--:')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')
const spread = ({ median, mean, p99 }) => `${micros(median)} / ${micros(mean)} / ${micros(p99)}`
const growth = (get, key = 'median') => {
  const [first, last] = [get(replicaCounts[0]), get(replicaCounts.at(-1))]
  return percent(last.consensus[key] / first.consensus[key] - 1)
}

function resultsTable(at) {
  const of = (wanted) => (replicas) => at({ replicas, ...wanted })
  const row = (name, get) => [name, ...replicaCounts.map((n) => spread(get(n).consensus)), growth(get)]
  const paper = replicaCounts.map((n) => (n in published.micros ? published.micros[n].toFixed(1) : '–'))
  const paperGrowth = percent(published.micros[9] / published.micros[3] - 1)
  const deviation = (name, get, key) => [
    name,
    ...replicaCounts.map((n) =>
      n in published.micros ? percent(get(n).consensus[key] / 1000 / published.micros[n] - 1) : '–',
    ),
    '',
  ]
  const [many, single] = [of({ connections: 24 }), of({ connections: 1 })]
  return table(
    ['median / mean / p99, µs', ...replicaCounts.map((n) => `${n} replicas`), 'growth of the median'],
    [
      ['**paper, 24 connections**', ...paper.map((figure) => `**${figure}**`), `**${paperGrowth}**`],
      row('24 connections, storing', many),
      deviation('its median beside the paper', many, 'median'),
      deviation('its mean beside the paper', many, 'mean'),
      row('1 connection, storing', single),
      deviation("its median beside the paper's at 24", single, 'median'),
      row('24 connections, memory', of({ connections: 24, stores: false })),
      row('1 connection, memory', of({ connections: 1, stores: false })),
    ],
  )
}

function loadTable(at) {
  return table(
    ['24 connections', ...replicaCounts.map((n) => `${n} replicas`)],
    [
      [
        'storing: requests a second',
        ...replicaCounts.map((n) => `${(at({ replicas: n, connections: 24 }).rate / 1000).toFixed(0)} k`),
      ],
      [
        'storing: uncommitted at once',
        ...replicaCounts.map((n) => at({ replicas: n, connections: 24 }).inFlight.toFixed(1)),
      ],
      [
        'storing: a follower is busy for',
        ...replicaCounts.map(
          (n) =>
            `${((at({ replicas: n, connections: 24 }).rate * followerNanos(true)) / 1e7).toFixed(0)} % of the time`,
        ),
      ],
      [
        'storing: request to reply, median µs',
        ...replicaCounts.map((n) => micros(at({ replicas: n, connections: 24 }).answer.median)),
      ],
    ],
  )
}

function pathTable(at) {
  const paths = replicaCounts.map((n) => pathOf(n, true))
  const sums = paths.map((path) => path.reduce((sum, { nanos }) => sum + nanos, 0))
  const rows = paths[0].map(({ name }, part) => [
    name,
    ...paths.map(
      (path, i) => `${micros(path[part].nanos)} (${((path[part].nanos / sums[i]) * 100).toFixed(0)} %)`,
    ),
  ])
  const ofMedians = (connections) =>
    replicaCounts.map((n) => micros(at({ replicas: n, connections }).consensus.median))
  const waits = replicaCounts.map((n, i) =>
    micros(at({ replicas: n, connections: 24 }).consensus.mean - sums[i]),
  )
  return table(
    ['µs (share)', ...replicaCounts.map((n) => `${n} replicas`)],
    [
      ...rows,
      ['**sum**', ...sums.map((sum) => `**${micros(sum)}**`)],
      ['measured, 1 connection, median', ...ofMedians(1)],
      ['measured, 24 connections, median', ...ofMedians(24)],
      ['waiting, 24 connections: mean less the sum', ...waits],
    ],
  )
}

function variantTable(at) {
  const rows = [1, 24].flatMap((connections) =>
    ['published', 'free posting', 'no jitter'].map((variant) => {
      const get = (replicas) => at({ replicas, connections, variant })
      const name = {
        published: 'as it is',
        'free posting': 'posting is free',
        'no jitter': 'all take the mean',
      }
      return [
        `${connections} ${connections === 1 ? 'connection' : 'connections'}, ${name[variant]}`,
        micros(get(3).consensus.median),
        micros(get(9).consensus.median),
        micros(get(9).consensus.median - get(3).consensus.median).replace('-', '−'),
      ]
    }),
  )
  return table(['median, µs', '3 replicas', '9 replicas', 'growth'], rows)
}

function hostsTable(at) {
  const row = (name, wanted) => [
    name,
    ...replicaCounts.map((replicas) => spread(at({ replicas, connections: 24, ...wanted }).consensus)),
  ]
  return table(
    ['24 connections: median / mean / p99, µs', ...replicaCounts.map((n) => `${n} replicas`)],
    [
      row('many threads, storing', {}),
      row('one thread, storing', { threads: 'one' }),
      row('many threads, memory', { stores: false }),
      row('one thread, memory', { threads: 'one', stores: false }),
    ],
  )
}

function saturatedTable(at) {
  const row = (name, wanted) => [
    name,
    ...replicaCounts.map((replicas) => {
      const { consensus, answer, rate } = at({ replicas, connections: 24, clients: 'leader', ...wanted })
      return `${micros(consensus.median)} / ${(rate / 1000).toFixed(0)} k / ${(answer.most / 1000).toFixed(0)}`
    }),
  ]
  return table(
    [
      'median µs / requests a second / longest wait for a reply, µs',
      ...replicaCounts.map((n) => `${n} replicas`),
    ],
    [
      row('many threads, storing', {}),
      row('one thread, storing', { threads: 'one' }),
      row('many threads, memory', { stores: false }),
      row('one thread, memory', { threads: 'one', stores: false }),
    ],
  )
}

const measuredTable = () =>
  table(
    ['figure', 'ns', 'source'],
    measured.map(({ name, nanos, source }) => [name, String(nanos), source]),
  )
const dividedTable = () =>
  table(
    ['action', 'minimum', 'mean excess', 'source'],
    divided.map(({ name, minimumNanos, excessNanos, source }) => [
      name,
      String(minimumNanos),
      String(excessNanos),
      source,
    ]),
  )

/** The document with its marked blocks filled in. */
async function documentOf(text, figures) {
  const at = finder(figures)
  const blocks = {
    results: resultsTable(at),
    load: loadTable(at),
    path: pathTable(at),
    variants: variantTable(at),
    hosts: hostsTable(at),
    saturated: saturatedTable(at),
    measured: measuredTable(),
    divided: dividedTable(),
    extent: `${figures[0].requests} requests for each point, from ${extent.seeds.length} seeds of ${extent.requestsPerSeed}.`,
  }
  let out = text
  for (const [name, block] of Object.entries(blocks)) {
    const begin = `<!-- made by scripts/apus-latency.mjs: ${name} -->`
    const from = out.indexOf(begin)
    const to = out.indexOf('<!-- end -->', from)
    if (from < 0 || to < 0) throw new Error(`docs/apus-latency.md: has no place for ${name}`)
    out = `${out.slice(0, from + begin.length)}\n\n${block}\n\n${out.slice(to)}`
  }
  return format(out, docUrl, 'markdown')
}
const format = async (text, url, parser) =>
  prettier.format(text, { ...(await prettier.resolveConfig(fileURLToPath(url))), parser })

// ---- The plot ---------------------------------------------------------------------------------------------------

const style = `
    .ground { fill: #ffffff } .ink { fill: #1f2328 } .quiet { fill: #59636e } .grid { stroke: #d8dee4 }
    .axis { stroke: #8c959f } path { fill: none; stroke-width: 2 }
    .s0 { stroke: #c62828 } .s1 { stroke: #2563eb } .s2 { stroke: #7c3aed } .s3 { stroke: #0f766e } .s4 { stroke: #b45309 }
    .f0 { fill: #c62828 } .f1 { fill: #2563eb } .f2 { fill: #7c3aed } .f3 { fill: #0f766e } .f4 { fill: #b45309 }
    .dashed { stroke-dasharray: 6 5 } text { font: 13px ui-sans-serif, system-ui, sans-serif } .name { font-weight: 600 }
    @media (prefers-color-scheme: dark) {
      .ground { fill: #0d1117 } .ink { fill: #e6edf3 } .quiet { fill: #9198a1 } .grid { stroke: #21262d }
      .axis { stroke: #6e7681 }
      .s0 { stroke: #ff7b72 } .s1 { stroke: #79b8ff } .s2 { stroke: #c4a7ff } .s3 { stroke: #5eead4 } .s4 { stroke: #fbbf24 }
      .f0 { fill: #ff7b72 } .f1 { fill: #79b8ff } .f2 { fill: #c4a7ff } .f3 { fill: #5eead4 } .f4 { fill: #fbbf24 }
    }`
const frame = { left: 56, top: 66, width: 420, height: 300 }
const picture = { width: 780, height: 424 }

function plotOf(figures) {
  const at = finder(figures)
  const medians = (wanted) =>
    replicaCounts.map((replicas) => [replicas, at({ replicas, ...wanted }).consensus.median / 1000])
  const series = [
    {
      name: 'paper, 24 connections',
      dashed: true,
      drop: 14,
      points: Object.entries(published.micros).map(([n, y]) => [Number(n), y]),
    },
    { name: '24 connections', drop: 0, points: medians({ connections: 24 }) },
    {
      name: '24 connections, one thread',
      drop: 0,
      points: medians({ connections: 24, threads: 'one' }),
    },
    { name: '1 connection', drop: -3, points: medians({ connections: 1 }) },
    { name: '24 connections, memory', drop: 0, points: medians({ connections: 24, stores: false }) },
  ]
  const most = Math.ceil(Math.max(...series.flatMap(({ points }) => points.map(([, y]) => y))) / 2) * 2
  const x = (replicas) => frame.left + 24 + ((replicas - 3) / 6) * (frame.width - 48)
  const y = (value) => frame.top + frame.height * (1 - value / most)
  const fixed = (value) => value.toFixed(1)
  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${picture.width} ${picture.height}" role="img" aria-label="Consensus latency of APUS by number of replicas, simulated and published">`,
    `  <style>${style}\n  </style>`,
    `  <rect class="ground" width="${picture.width}" height="${picture.height}" rx="8"/>`,
    `  <text class="ink name" x="20" y="28">Consensus latency of APUS in virtual time, beside the paper</text>`,
    `  <text class="quiet" x="20" y="46">median, µs; with storing, unless it says memory</text>`,
  ]
  for (let value = 0; value <= most; value += 2)
    out.push(
      `  <line class="${value === 0 ? 'axis' : 'grid'}" x1="${frame.left}" y1="${fixed(y(value))}" x2="${frame.left + frame.width}" y2="${fixed(y(value))}"/>`,
      `  <text class="quiet" x="${frame.left - 10}" y="${fixed(y(value) + 4)}" text-anchor="end">${value}</text>`,
    )
  for (const replicas of replicaCounts)
    out.push(
      `  <text class="quiet" x="${fixed(x(replicas))}" y="${frame.top + frame.height + 22}" text-anchor="middle">${replicas}</text>`,
    )
  out.push(
    `  <text class="quiet" x="${frame.left + frame.width / 2}" y="${frame.top + frame.height + 44}" text-anchor="middle">replicas</text>`,
  )
  series.forEach(({ name, points, dashed, drop }, i) => {
    const line = points.map(([n, value]) => `${fixed(x(n))} ${fixed(y(value))}`).join('L')
    out.push(`  <path class="s${i}${dashed ? ' dashed' : ''}" d="M${line}"/>`)
    for (const [n, value] of points)
      out.push(`  <circle class="f${i}" cx="${fixed(x(n))}" cy="${fixed(y(value))}" r="3.5"/>`)
    const [first, last] = [points[0][1], points.at(-1)[1]]
    out.push(
      `  <text class="f${i}" x="${frame.left + frame.width + 4}" y="${fixed(y(last) + 4 + drop)}">${name}: ${fixed(first)} to ${fixed(last)}</text>`,
    )
  })
  return `${[...out, '</svg>'].join('\n')}\n`
}

// ---- All together -----------------------------------------------------------------------------------------------

const isCheck = process.argv.includes('--check')
const isKept = (figure) => plan.some((point) => isSame(point, figure))
let figures
if (isCheck) {
  figures = JSON.parse(readFileSync(dataUrl, 'utf8'))
  if (figures.length !== plan.length || !figures.every(isKept)) complain(dataUrl)
  for (const point of plan.filter(isSample)) {
    const kept = figures.find((figure) => isSame(point, figure))
    if (JSON.stringify(measure(point)) !== JSON.stringify(kept)) complain(dataUrl)
  }
} else
  figures = plan.map((point, i) => {
    process.stderr.write(`\rmeasures ${i + 1} of ${plan.length}`)
    return measure(point)
  })

const made = [
  [dataUrl, await format(JSON.stringify(figures), dataUrl, 'json')],
  [docUrl, await documentOf(readFileSync(docUrl, 'utf8'), figures)],
  [plotUrl, plotOf(figures)],
]
for (const [url, text] of made)
  if (!isCheck) writeFileSync(url, text)
  else if (readFileSync(url, 'utf8') !== text) complain(url)

function complain(url) {
  console.error(
    `${fileURLToPath(url)} is not what this code gives: run \`node scripts/apus-latency.mjs\`, read it, and commit it.`,
  )
  process.exitCode = 1
}
