/** The page: connects to its session, builds its parts, opens what the address or the server names. */
import { connect } from '../session/client.js'
import type { ViewManifest } from '../session/protocol.js'
import { addCommands } from './all-commands.js'
import { Commands } from './commands.js'
import { Diagram } from './diagram/diagram.js'
import { byId } from './dom.js'
import { acceptDrops, isLink, openLink, openUrl } from './files.js'
import { makeInspector } from './inspector.js'
import { keepPlaces } from './places.js'
import { makeShell } from './shell.js'
import { startTheme } from './theme.js'
import { Tour } from './tour.js'
import { Workbench } from './workbench.js'

startTheme()
const bench = new Workbench(connect(new Worker(new URL('worker.js', document.baseURI), { type: 'module' })))
const commands = new Commands()
const inspector = makeInspector(bench)
const diagram = new Diagram(bench)
const tour = new Tour(bench, inspector)
addCommands(commands, { bench, diagram, inspector, tour })
makeShell(bench, commands, diagram, inspector)
byId('stage').after(tour.element)
acceptDrops(bench, document.body)

document.addEventListener('keydown', (event) => {
  if (tour.active && tourKey(event)) event.preventDefault()
  else if (commands.press(event)) event.preventDefault()
})
function tourKey(event: KeyboardEvent): boolean {
  const { target } = event
  if (
    target instanceof Element &&
    target.matches('input, select, textarea, button:not(#tour-next), [role=tab]')
  )
    return false
  if (event.key === 'Enter') void tour.next()
  else if (event.key === 'Backspace') void tour.back()
  else return false
  return true
}

// Playing goes by frames of the screen.
let before: number | undefined
const frame = (now: number): void => {
  if (!bench.playing) {
    before = undefined
    return
  }
  requestAnimationFrame(frame)
  // A tab in the background gets no frames; what it missed is not played at once.
  bench.player.send({ type: 'frame', elapsedMs: Math.min(250, now - (before ?? now)) })
  before = now
}
let wasPlaying = false
bench.player.subscribe(() => {
  if (bench.playing && !wasPlaying) requestAnimationFrame(frame)
  wasPlaying = bench.playing
})

async function readManifest(): Promise<void> {
  try {
    const reply = await fetch('manifest.json')
    if (reply.ok) bench.manifest = (await reply.json()) as ViewManifest
  } catch {
    // Static files without a server that knows what to open: the start page is shown.
  }
}

async function openAsked(): Promise<void> {
  if (await openLink(bench, location.hash)) return
  const asked = bench.manifest?.open
  if (asked === undefined || asked === null) return
  if ('fresh' in asked) await bench.open(asked)
  else await openUrl(bench, asked.url, asked.name, asked.at ?? undefined)
}

async function begin(): Promise<void> {
  await readManifest()
  keepPlaces(bench)
  bench.isAwaited = isLink(location.hash) || (bench.manifest?.open ?? null) !== null
  bench.topics.tell('run')
  addEventListener('hashchange', () => void openLink(bench, location.hash))
  for (const remark of bench.manifest?.remarks ?? []) bench.say(remark)
  await Promise.all([bench.begin(), openAsked()])
  // What could not be opened has been told; there is the start page to go on from.
  bench.isAwaited = false
  if (bench.branch === undefined) bench.topics.tell('run')
}
begin().catch((error: unknown) => {
  bench.fail(error)
})
