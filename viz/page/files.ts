/** Files and links: what comes from outside goes to the session as bytes, which judges them; nothing of it is run. */
import { type BranchId, SessionError, type Source } from '../session/protocol.js'
import { h } from './dom.js'
import type { Workbench } from './workbench.js'

const largestBytes = 512 * 1024 * 1024
/** Of the files that `aviary run --record` writes. */
const recordingEnding = '.aviaryrec'

const wrong = (field: string, message: string, mend: string): SessionError =>
  new SessionError({ code: 'request', field, message, mend })

/** What a person chose or dropped: files, or those that lie in a folder, without what is in its own folders. */
interface Chosen {
  readonly files: readonly File[]
  readonly folder: string | undefined
}

/** Opens a trace, or the recordings of one run. Resolves to whether it is open; what is wrong is told. */
async function openChosen(bench: Workbench, { files, folder }: Chosen): Promise<boolean> {
  try {
    const source = await sourceOf(files, folder)
    if (!(await bench.open(source))) return false
    if ('recordings' in source) {
      const others = files.length - source.recordings.length
      bench.say(
        `${source.name}: a schedule of the simulator that gives every node what was recorded${others === 0 ? '' : `; not looked at: ${count(others, 'file')} that ${others === 1 ? 'is no recording' : 'are no recordings'}`}`,
      )
    }
    return true
  } catch (error) {
    bench.fail(error)
    return false
  }
}

const count = (many: number, noun: string): string => `${String(many)} ${noun}${many === 1 ? '' : 's'}`

/** The one trace, or all recordings, as bytes. Throws SessionError that names the file and the mend. */
async function sourceOf(files: readonly File[], folder: string | undefined): Promise<Source> {
  const recorded = files.filter(({ name }) => name.endsWith(recordingEnding))
  const [first] = folder === undefined && recorded.length === 0 ? files : recorded
  if (first === undefined)
    throw wrong(
      folder ?? 'files',
      `${folder === undefined ? 'there are none' : `holds no recording: none of its files ends in ${recordingEnding}`}`,
      'Make one: aviary run SYSTEM --local 3 --record FOLDER',
    )
  if (recorded.length === 0 && files.length > 1)
    throw wrong(
      first.name,
      `is one of ${String(files.length)} files, of which none ends in ${recordingEnding}`,
      'Open one trace at a time, or all recordings of a run together.',
    )
  const wanted = recorded.length === 0 ? [first] : recorded
  const size = wanted.reduce((sum, file) => sum + file.size, 0)
  if (size > largestBytes)
    throw wrong(
      folder ?? first.name,
      `${wanted.length === 1 ? 'has' : 'has with the others'} ${String(size)} bytes; the page opens up to ${String(largestBytes)}`,
      recorded.length === 0
        ? 'Shorten it: aviary shrink FILE'
        : 'Open it with the command line: aviary view FOLDER',
    )
  const read = await Promise.all(
    wanted.map(async (file) => ({ name: file.name, bytes: await bytesOf(file) })),
  )
  if (recorded.length === 0) return read[0]!
  const others = read.length === 1 ? '' : ` and ${String(read.length - 1)} more`
  return { recordings: read, name: folder ?? `${first.name}${others}` }
}

async function bytesOf(file: File): Promise<Uint8Array> {
  try {
    return new Uint8Array(await file.arrayBuffer())
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw wrong(file.name, `cannot be read: ${why}`, 'Check that it is a file that you may read.')
  }
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

/** Asks for a trace, or for the recordings of a run. */
export function pickFile(bench: Workbench): void {
  const input = h('input', {
    type: 'file',
    multiple: true,
    accept: `.aviary,.json,.txt,${recordingEnding}`,
    on: {
      change: () => void openChosen(bench, { files: [...(input.files ?? [])], folder: undefined }),
    },
  })
  input.click()
}

/** Asks for the folder of a recording. */
export function pickFolder(bench: Workbench): void {
  const input = h('input', {
    type: 'file',
    webkitdirectory: true,
    on: {
      change: () => {
        // Of what lies deeper the path has more parts than the folder and the name.
        const files = [...(input.files ?? [])].filter(
          ({ webkitRelativePath }) => webkitRelativePath.split('/').length === 2,
        )
        const folder = input.files?.[0]?.webkitRelativePath.split('/')[0]
        void openChosen(bench, { files, folder })
      },
    },
  })
  input.click()
}

/** Files, or the folder of a recording, may be dropped anywhere on the page. */
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
    if (event.dataTransfer !== null) void openDropped(bench, event.dataTransfer)
  })
}

async function openDropped(bench: Workbench, { items, files }: DataTransfer): Promise<void> {
  // To be asked for at once: when the event is over they are gone.
  const entries = [...items].flatMap((item) => item.webkitGetAsEntry() ?? [])
  const dropped = [...files]
  const folders = entries.filter((entry) => entry.isDirectory) as FileSystemDirectoryEntry[]
  const [folder] = folders
  try {
    if (dropped.length === 0 && folder === undefined)
      throw wrong(
        '',
        'what was dropped is no file',
        `Drop a trace, or the folder of a recording or all its files, which end in ${recordingEnding}.`,
      )
    if (folder !== undefined && entries.length > 1)
      throw wrong(
        folder.name,
        `is a folder, dropped with ${count(entries.length - 1, 'other thing')}`,
        'Drop one folder alone: it holds one run.',
      )
    await openChosen(
      bench,
      folder === undefined
        ? { files: dropped, folder: undefined }
        : { files: await filesIn(folder), folder: folder.name },
    )
  } catch (error) {
    bench.fail(error)
  }
}

/** The files that lie in a folder; its own folders are not looked into. */
async function filesIn(folder: FileSystemDirectoryEntry): Promise<readonly File[]> {
  const reader = folder.createReader()
  const entries: FileSystemEntry[] = []
  // They come in portions, the last of which is empty.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => {
      reader.readEntries(resolve, reject)
    })
    if (some.length === 0) break
    entries.push(...some)
  }
  const files = entries.filter((entry) => entry.isFile) as FileSystemFileEntry[]
  return Promise.all(
    files.map(
      (entry) =>
        new Promise<File>((resolve, reject) => {
          entry.file(resolve, reject)
        }),
    ),
  )
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
  const wrongLink = (field: string, message: string, mend = wholeLink): SessionError =>
    wrong(`link ${field}`, message, mend)
  const words = new URLSearchParams(hash.replace(/^#/, ''))
  for (const name of words.keys())
    if (name !== 'run' && name !== 'at')
      throw wrongLink(name, 'is nothing that a link has; it has run and at')
  const shared = words.get('run') ?? ''
  if (shared === '') throw wrongLink('run', 'is missing: it holds the schedule itself')
  const at = words.get('at')
  if (at === null) return { source: { shared }, at: undefined }
  if (!/^\d{1,9}$/.test(at))
    throw wrongLink('at', `must be a whole number, not ${JSON.stringify(at)}`, 'Give the number of a step.')
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
