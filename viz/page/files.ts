/** Files and links: what comes from outside goes to the session as bytes, which judges them; nothing of it is run. */
import { type BranchId, SessionError, type Source } from '../session/protocol.js'
import { h } from './dom.js'
import type { Workbench } from './workbench.js'

const largestBytes = 512 * 1024 * 1024
/** Of the files that `aviary run --record` writes. */
const recordingEnding = '.aviaryrec'

/** Opens a file that a person chose or dropped. */
async function openFile(bench: Workbench, file: File): Promise<boolean> {
  if (file.name.endsWith(recordingEnding)) {
    bench.fail(
      new Error(
        `${file.name} is a recording of one process; the page opens the run of all of them as a trace: aviary view FOLDER`,
      ),
    )
    return false
  }
  if (file.size > largestBytes) {
    bench.fail(
      new Error(
        `${file.name} has ${String(file.size)} bytes; the page opens traces of up to ${String(largestBytes)}`,
      ),
    )
    return false
  }
  return bench.open({ bytes: new Uint8Array(await file.arrayBuffer()), name: file.name })
}

/** Fetches a trace from the page's own server. */
export async function openUrl(bench: Workbench, url: string, name: string, at?: number): Promise<boolean> {
  let bytes: Uint8Array
  try {
    const reply = await fetch(url)
    if (!reply.ok) throw new Error(`the server says ${String(reply.status)}`)
    bytes = new Uint8Array(await reply.arrayBuffer())
  } catch (error) {
    bench.fail(new Error(`${name} cannot be read: ${error instanceof Error ? error.message : String(error)}`))
    return false
  }
  return bench.open({ bytes, name }, at)
}

/** Asks for a file. */
export function pickFile(bench: Workbench): void {
  const input = h('input', {
    type: 'file',
    accept: '.aviary,.json,.txt',
    on: {
      change: () => {
        const file = input.files?.[0]
        if (file !== undefined) void openFile(bench, file)
      },
    },
  })
  input.click()
}

/** Files may be dropped anywhere on the page. */
export function acceptDrops(bench: Workbench, place: HTMLElement): void {
  const mark = (on: boolean): void => {
    place.classList.toggle('dropping', on)
  }
  place.addEventListener('dragover', (event) => {
    event.preventDefault()
    mark(true)
  })
  place.addEventListener('dragleave', () => {
    mark(false)
  })
  place.addEventListener('drop', (event) => {
    event.preventDefault()
    mark(false)
    const file = event.dataTransfer?.files[0]
    if (file !== undefined) void openFile(bench, file)
    else bench.fail(new Error('what was dropped is no file: drop a trace, a file that ends in .aviary'))
  })
}

/** Saves a branch as a trace that `aviary replay` takes. */
export async function saveTrace(bench: Workbench, branch: BranchId): Promise<void> {
  const saved = await bench.try('save', { branch })
  if (saved === undefined) return
  const url = URL.createObjectURL(
    new Blob([new Uint8Array(saved.bytes)], { type: 'application/octet-stream' }),
  )
  h('a', { href: url, download: saved.fileName }).click()
  URL.revokeObjectURL(url)
  bench.say(`saved as ${saved.fileName}: aviary replay ${saved.fileName}`)
}

const longestLink = 30_000

/** The link to what is shown: the schedule is behind the #, so it is never sent to a server. */
export async function linkTo(bench: Workbench): Promise<string | undefined> {
  const { branch, at } = bench
  if (branch === undefined) return undefined
  const read = await bench.try('share', { branch: branch.branch })
  if (read === undefined) return undefined
  if (read.shared.length > longestLink) {
    bench.fail(new Error('this run is too long for a link: save it as a trace and send the file'))
    return undefined
  }
  return `${location.origin}${location.pathname}#run=${read.shared}&at=${String(at)}`
}

/** Whether the address names a run; `#stage` and the like name places of the page. */
export const isLink = (hash: string): boolean => hash.includes('=')

const wholeLink = 'Copy the whole link, as “Save or share” gives it.'

/** What the address of the page asks for; undefined when it names no run. Throws SessionError, naming the field. */
function sourceOfLink(
  hash: string,
): { readonly source: Source; readonly at: number | undefined } | undefined {
  if (!isLink(hash)) return undefined
  const wrong = (field: string, message: string, mend = wholeLink): SessionError =>
    new SessionError({ code: 'request', field: `link ${field}`, message, mend })
  const words = new URLSearchParams(hash.replace(/^#/, ''))
  for (const name of words.keys())
    if (name !== 'run' && name !== 'at') throw wrong(name, 'is nothing that a link has; it has run and at')
  const shared = words.get('run') ?? ''
  if (shared === '') throw wrong('run', 'is missing: it holds the schedule itself')
  const at = words.get('at')
  if (at === null) return { source: { shared }, at: undefined }
  if (!/^\d{1,9}$/.test(at))
    throw wrong('at', `must be a whole number, not ${JSON.stringify(at)}`, 'Give the number of a step.')
  return { source: { shared }, at: Number(at) }
}

/** Opens what the address names. Resolves to whether it names anything; what is wrong with it is told. */
export async function openLink(bench: Workbench, hash: string): Promise<boolean> {
  try {
    const link = sourceOfLink(hash)
    if (link === undefined) return false
    const { at } = link
    if (!(await bench.open(link.source, at)) || at === undefined || at <= bench.length) return true
    bench.fail(
      new SessionError({
        code: 'request',
        field: 'link at',
        message: `is ${String(at)}, and this run has ${String(bench.length)} actions`,
        mend: 'Shown is its end.',
      }),
    )
  } catch (error) {
    bench.fail(error)
  }
  return true
}
