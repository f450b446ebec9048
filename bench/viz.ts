/**
 * How the browser workbench does with a long run: a trace is made, served as `aviary view` serves it, and looked at in a
 * headless Chromium that draws in software.
 *
 * Contract. Times are read inside the page. Loading counts from the navigation to the first picture of the whole run;
 * frames are the distances of animation frames while the pointer moves; memory is what all processes of the browser's
 * renderers hold for themselves (PSS). Every number comes from one run and is of this machine, as it is loaded now.
 */
import { accessSync, constants, readFileSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Page, chromium } from 'playwright-core'
import { UsageError } from '../cli/errors.js'
import { builtFiles } from '../cli/view/page-files.js'
import { servePage } from '../cli/view/server.js'
import { systems } from '../protocol/index.js'
import {
  Random,
  Run,
  RunRecorder,
  derivedSeed,
  drawPlan,
  encodeTrace,
  makeScheduler,
  recordTrace,
} from '../sim/index.js'
import type { ViewManifest } from '../viz/session/protocol.js'
import { median } from './median.js'

const usualActions = 1_000_000
const jumps = 12
const movingMillis = 4_000
const viewport = { width: 1600, height: 900 }

export interface VizFigures {
  readonly actions: number
  readonly traceBytes: number
  /** From the navigation to the first picture of the whole run. */
  readonly overviewMillis: number
  /** Until all of it was indexed: arrows, marks and truth. */
  readonly indexedMillis: number
  readonly scrubFrameMedianMillis: number
  readonly scrubFrame95Millis: number
  readonly panFrameMedianMillis: number
  readonly panFrame95Millis: number
  /** The same where more than half of the run is in view, bundled. */
  readonly panFarFrameMedianMillis: number
  readonly panFarFrame95Millis: number
  /** From the key to the state on the screen, one step back from places anywhere in the run. */
  readonly stepBackMedianMillis: number
  readonly stepBackWorstMillis: number
  /** Null where the operating system does not tell. */
  readonly memoryMegabytes: number | null
}

/** A trace of APUS under faults that is so long. Seeds are tried until one does not come to rest before. */
function longTrace(actions: number): Uint8Array<ArrayBuffer> {
  const definition = systems.find(({ name }) => name === 'apus')!
  for (let seed = 1; ; seed++) {
    const plan = drawPlan(definition, seed, {
      nodes: 3,
      scheduler: 'random',
      parameters: { clients: 3, operations: 4, durability: 0 },
      faults: { budget: { crash: 2, restart: 2, pause: 3, resume: 3, cut: 6, heal: 6 } },
    })
    const run = new Run(definition, plan.setup)
    const recorder = new RunRecorder(run)
    const scheduler = makeScheduler(run.world, plan, new Random(derivedSeed(seed, 3)))
    scheduler.begin()
    for (let left = 8 * actions; left > 0 && run.log.length < actions && scheduler.next(); left--)
      scheduler.after(run.take(scheduler.site, scheduler.choice))
    if (run.log.length < actions) continue
    return encodeTrace(recordTrace(run, { provenance: { seed, scheduler: plan.scheduler } }, recorder))
  }
}

function findChromium(): string {
  for (const name of ['chromium', 'chromium-browser', 'google-chrome'])
    for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
      const path = join(folder, name)
      try {
        accessSync(path, constants.X_OK)
        return path
      } catch {
        // Not this one.
      }
    }
  throw new UsageError('bench viz: there is no Chromium on the PATH', 'install it: apt-get install chromium')
}

/** What the script in the page collects. */
interface Collected {
  overviewAt: number
  frames: number[]
  moving: boolean
  keyAt: number
  /** Up to which position the session has indexed, and when it told so. */
  known: number
  knownAt: number
  /** When the state of each position came on the screen. */
  readonly shown: [position: number, at: number][]
}
type Window = typeof globalThis & { collected: Collected }

/** Runs in the page, before its own scripts. */
function collect(): void {
  const scope = globalThis as Window & {
    requestAnimationFrame(work: (now: number) => void): void
    addEventListener(type: string, listener: () => void, capture: boolean): void
    Worker: new (
      url: URL,
      options: object,
    ) => {
      addEventListener(
        type: 'message',
        listener: (message: { readonly data: { readonly event?: { kind: string; known: number } } }) => void,
      ): void
    }
    document: {
      querySelector(selector: string): {
        readonly width: number
        readonly height: number
        getAttribute(name: string): string | null
        getContext(kind: '2d'): {
          getImageData(x: number, y: number, w: number, h: number): { data: Uint8Array }
        }
      } | null
    }
  }
  const collected: Collected = {
    overviewAt: 0,
    frames: [],
    moving: false,
    keyAt: 0,
    known: 0,
    knownAt: 0,
    shown: [],
  }
  scope.collected = collected
  let before = 0
  let last = ''
  const frame = (now: number): void => {
    scope.requestAnimationFrame(frame)
    if (collected.moving && before > 0) collected.frames.push(now - before)
    before = collected.moving ? now : 0
    if (collected.overviewAt === 0) {
      const canvas = scope.document.querySelector('#overview canvas')
      if (canvas !== null && canvas.width > 0 && canvas.height > 0) {
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
        if (data.some((value) => value !== 0)) collected.overviewAt = performance.now()
      }
    }
    const at = scope.document.querySelector('#fingerprint')?.getAttribute('data-at') ?? ''
    if (at !== last) collected.shown.push([Number(at), performance.now()])
    last = at
  }
  scope.requestAnimationFrame(frame)
  // What the session tells the page of its progress.
  scope.Worker = class extends scope.Worker {
    constructor(url: URL, options: object) {
      super(url, options)
      this.addEventListener('message', ({ data }) => {
        if (data.event?.kind !== 'indexed') return
        collected.known = data.event.known
        collected.knownAt = performance.now()
      })
    }
  }
  scope.addEventListener('keydown', () => (collected.keyAt = performance.now()), true)
}

/** @param actions of the trace that is made; default a million */
export async function benchViz({
  actions = usualActions,
  onProgress,
}: {
  readonly actions?: number | undefined
  readonly onProgress?: ((what: string) => void) | undefined
} = {}): Promise<VizFigures> {
  const executablePath = findChromium()
  const files = builtFiles()
  onProgress?.(`a trace of ${String(actions)} actions`)
  const trace = longTrace(actions)
  const manifest: ViewManifest = {
    version: 1,
    open: { url: 'opened.aviary', name: 'long.aviary', at: 0 },
    gallery: [],
    remarks: [],
  }
  files.set('opened.aviary', trace)
  files.set('manifest.json', Buffer.from(JSON.stringify(manifest)))
  const server = await servePage(files, 0)
  const browserServer = await chromium.launchServer({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  })
  try {
    const browser = await chromium.connect(browserServer.wsEndpoint())
    const page = await browser.newPage({ viewport })
    page.setDefaultTimeout(30_000)
    await page.addInitScript(collect)
    onProgress?.('loading')
    await page.goto(server.url)
    const overviewMillis = await when(page, ({ overviewAt }) => overviewAt)
    const indexedMillis = await when(page, ({ known, knownAt }) => (known >= actions ? knownAt : 0))
    onProgress?.('frames')
    const overview = (await page.locator('#overview').boundingBox())!
    const scrub = await framesWhile(page, async (share) => {
      await page.mouse.move(
        overview.x + overview.width * (0.15 + 0.8 * share),
        overview.y + overview.height / 2,
      )
    })
    const diagram = (await page.locator('#diagram').boundingBox())!
    const panning = (): Promise<readonly number[]> =>
      framesWhile(page, async (share) => {
        const across = 0.5 + 0.4 * Math.sin(share * 40)
        await page.mouse.move(diagram.x + diagram.width * across, diagram.y + diagram.height * 0.6)
      })
    const pan = await panning()
    await page.keyboard.press('0')
    await page.keyboard.press('z')
    const panFar = await panning()
    await page.keyboard.press('.')
    onProgress?.('steps back')
    await page.click('#tab-state')
    const steps: number[] = []
    for (let i = 0; i < jumps; i++) {
      const share = 0.15 + (0.8 * ((i * 7) % jumps)) / jumps
      await page.mouse.click(overview.x + overview.width * share, overview.y + overview.height / 2)
      await settled(page)
      await page.keyboard.press('ArrowLeft')
      steps.push(await stepMillis(page))
    }
    return {
      actions,
      traceBytes: trace.length,
      overviewMillis,
      indexedMillis,
      scrubFrameMedianMillis: median(scrub),
      scrubFrame95Millis: percentile95(scrub),
      panFrameMedianMillis: median(pan),
      panFrame95Millis: percentile95(pan),
      panFarFrameMedianMillis: median(panFar),
      panFarFrame95Millis: percentile95(panFar),
      stepBackMedianMillis: median(steps),
      stepBackWorstMillis: Math.max(...steps),
      memoryMegabytes: memoryOf(browserServer.process().pid!),
    }
  } finally {
    await browserServer.close()
    await server.close()
  }
}

const collectedOf = (page: Page): Promise<Collected> => page.evaluate(() => (globalThis as Window).collected)

async function when(page: Page, read: (collected: Collected) => number): Promise<number> {
  await until(async () => read(await collectedOf(page)) > 0)
  return read(await collectedOf(page))
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 120_000
  while (!(await isSo())) {
    if (Date.now() > end)
      throw new UsageError('bench viz: the page does not come to an end', 'look at it: aviary view')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Distances of frames while the pointer is held down and moved. `move` is given a share from 0 to 1. */
async function framesWhile(page: Page, move: (share: number) => Promise<void>): Promise<readonly number[]> {
  await move(0)
  await page.mouse.down()
  await page.evaluate(() => {
    const { collected } = globalThis as Window
    collected.frames = []
    collected.moving = true
  })
  const start = Date.now()
  for (let now = start; now < start + movingMillis; now = Date.now()) await move((now - start) / movingMillis)
  await page.mouse.up()
  return page.evaluate(() => {
    const { collected } = globalThis as Window
    collected.moving = false
    return collected.frames
  })
}

/** Waits until the state at the cursor is on the screen. */
async function settled(page: Page): Promise<void> {
  await until(async () => {
    const at = (await page.textContent('#position'))!.split(' of ')[0]!
    return (await page.getAttribute('#fingerprint', 'data-at')) === at
  })
}

/** From the last key to the frame with the state that it led to. */
async function stepMillis(page: Page): Promise<number> {
  await settled(page)
  const at = Number((await page.textContent('#position'))!.split(' of ')[0])
  return when(page, ({ keyAt, shown }) => {
    const [position, shownAt] = shown.at(-1) ?? [-1, 0]
    return position === at && shownAt >= keyAt ? shownAt - keyAt : 0
  })
}

const percentile95 = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length * 0.95)] ?? 0

/** What the renderers below a process hold, in megabytes of 10^6 bytes. */
function memoryOf(root: number): number | null {
  try {
    const parents = new Map<number, number>()
    for (const name of readdirSync('/proc')) {
      if (!/^\d+$/.test(name)) continue
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
        parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
      } catch {
        // It has ended meanwhile.
      }
    }
    const isBelow = (pid: number): boolean => {
      for (let at: number | undefined = pid; at !== undefined && at > 1; at = parents.get(at))
        if (at === root) return true
      return false
    }
    let kilobytes = 0
    for (const pid of parents.keys()) {
      if (!isBelow(pid)) continue
      if (!readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').includes('--type=renderer')) continue
      const rollup = readFileSync(`/proc/${String(pid)}/smaps_rollup`, 'utf8')
      kilobytes += Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0)
    }
    return kilobytes === 0 ? null : (kilobytes * 1024) / 1e6
  } catch {
    return null
  }
}
