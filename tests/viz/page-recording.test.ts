// A recording of real processes in a real browser: by drop of its folder or of its files, by the pickers; and what is told
// where it cannot be opened.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Page } from 'playwright-core'
import { beforeAll, expect } from 'vitest'
import { decodeTrace } from '../../sim/trace/index.js'
import { folderWith } from '../cli/support.js'
import { get } from '../cli/viewing.js'
import { browserTests, fingerprint, position, savedBy, sheet, view } from './browser.js'
import { type Recorded, altered, filesOf, recorded } from './recorded.js'

const browserTest = browserTests()
let run: Recorded
beforeAll(async () => {
  run = await recorded('paxos')
}, 600_000)

/** Drops files or folders of this machine, as a person drags them from a window of files. */
async function drop(page: Page, ...files: readonly string[]): Promise<void> {
  const browser = await page.context().newCDPSession(page)
  const data = { items: [], files: [...files], dragOperationsMask: 1 }
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await browser.send('Input.dispatchDragEvent', { type, x: 500, y: 400, data })
  await browser.detach()
}

/** A folder with these files. */
function folderOf(
  files: readonly { readonly name: string; readonly bytes: Uint8Array | string }[],
  name = 'mine',
): string {
  const folder = join(folderWith(), name)
  mkdirSync(folder)
  for (const file of files) writeFileSync(join(folder, file.name), file.bytes)
  return folder
}
const pathsOf = (folder: string): string[] => filesOf(folder).map(({ name }) => join(folder, name))

const isShown = (page: Page): Promise<unknown> => page.waitForSelector('.story .good, .story .bad')

/** Fingerprints along the run that is shown. */
async function fingerprints(page: Page): Promise<string[]> {
  await sheet(page, 'state')
  const seen: string[] = []
  await page.keyboard.press('End')
  for (;;) {
    seen.push(await fingerprint(page))
    if ((await position(page)).at === 0) return seen
    await page.keyboard.press('Shift+ArrowLeft')
  }
}

browserTest(
  'the folder that is dropped opens as aviary view opens it: the same actions, the same states',
  async ({ page, complaints }) => {
    await drop(page, run.out)
    await isShown(page)
    const { length } = await position(page)
    expect(length).toBe(run.trace.actions.length)
    expect(await page.innerText('#said')).toContain('gives every node what was recorded')
    const dropped = await fingerprints(page)
    await page.click('#do-share')
    const { path } = await savedBy(page, () => page.click('#save'))
    expect(complaints).toEqual([])

    const viewed = await view(run.cwd, 'out')
    try {
      const shown = decodeTrace((await get(`${viewed.url}opened.aviary`)).bytes)
      const saved = decodeTrace(readFileSync(path))
      expect(saved.actions).toEqual(shown.actions)
      expect(saved.fingerprints).toEqual(shown.fingerprints)
      expect(saved.image).toEqual(shown.image)
      expect(saved.header.setup).toEqual(shown.header.setup)
      await page.goto(viewed.url)
      await isShown(page)
      expect(await fingerprints(page)).toEqual(dropped)
      expect(new Set(dropped).size).toBeGreaterThan(5)
    } finally {
      await viewed.close()
    }
  },
)

browserTest('all its files may be dropped, or picked, or its folder picked', async ({ page }) => {
  const home = async (): Promise<void> => {
    await page.keyboard.press('g')
    await page.waitForSelector('.card')
  }
  // One listener all along: with a new one for each way the third was not told, now and then.
  let picked: string | string[] = []
  page.on('filechooser', (chooser) => void chooser.setFiles(picked))
  const ways: readonly (() => Promise<void>)[] = [
    () => drop(page, ...pathsOf(run.out)),
    () => {
      picked = pathsOf(run.out)
      return page.click('#do-open')
    },
    () => {
      picked = run.out
      return page.keyboard.press('O')
    },
  ]
  for (const [i, way] of ways.entries()) {
    await way()
    await isShown(page)
    expect((await position(page)).length).toBe(run.trace.actions.length)
    await sheet(page, 'branches')
    expect(await page.locator('[data-key^="branch "]').count()).toBe(i + 1)
    await home()
  }
})

browserTest(
  'what lies beside the recordings is named; deeper folders are not looked into',
  async ({ page }) => {
    const folder = folderOf([...filesOf(run.out), { name: 'notes.txt', bytes: 'my notes' }])
    mkdirSync(join(folder, 'older'))
    writeFileSync(join(folder, 'older', 'member-0-life-0.aviaryrec'), 'not looked at')
    await drop(page, folder)
    await isShown(page)
    expect(await page.innerText('#said')).toContain('not looked at: 1 file that is no recording')
  },
)

browserTest(
  'what cannot be opened is told with the file and the mend, and the page goes on',
  async ({ page }) => {
    const [first, second, third] = filesOf(run.out)
    const broken = { ...second!, bytes: second!.bytes.map((byte, i) => (i === 300 ? byte ^ 255 : byte)) }
    const services = [first!, second!, third!].map((file) => altered(file, { isService: true }))
    const others = [first!, second!, third!].map((file) =>
      altered(file, { system: 'mine', modulePath: './mine.ts' }),
    )
    for (const [dropped, words] of [
      [[folderOf([first!, broken, third!])], /member-1-life-0\.aviaryrec: byte \d+: .*record it again/s],
      [
        [folderOf([first!, third!])],
        /mine: has not all of the run: of 3 members member 1 is missing.*Open the folder/s,
      ],
      [
        [join(run.out, first!.name)],
        /member-0-life-0\.aviaryrec: has not all of the run.*members? 1 and member 2/s,
      ],
      [[folderOf(services)], /member-0-life-0\.aviaryrec: is of a service.*aviary replay FOLDER/s],
      [
        [folderOf(others)],
        /member-0-life-0\.aviaryrec: is of the system "mine" of \.\/mine\.ts, which is not in this page\. .*aviary view FOLDER/,
      ],
      [[folderOf([{ name: 'notes.txt', bytes: 'none' }])], /mine: holds no recording.*aviary run/s],
      [[run.out, folderOf([first!])], /folder, dropped with 1 other thing.*one folder alone/s],
      [
        pathsOf(
          folderOf([
            { name: 'a.txt', bytes: '' },
            { name: 'b.txt', bytes: '' },
          ]),
        ),
        /a\.txt: is one of 2 files/,
      ],
    ] as const) {
      await drop(page, ...dropped)
      await page.waitForSelector('#failure')
      const said = await page.innerText('#failure')
      expect(said, dropped.map((path) => basename(path)).join()).toMatch(words)
      expect(said).not.toMatch(/\bat .*\.js:|undefined|TypeError|RangeError/)
      await page.click('#failure button')
      expect(await page.locator('#failure').count()).toBe(0)
    }
    await drop(page, run.out)
    await isShown(page)
  },
)

/** One of Aviary's under a name of the user's own. */
const mine = `
import { systems } from 'aviary/protocol'
export const system = { ...systems.find(({ name }) => name === 'paxos'), name: 'mine' }
`

browserTest(
  "a recording of a user's own system opens in the page that was opened with it",
  async ({ page }) => {
    const cwd = folderWith({ 'mine.ts': mine })
    const own = folderOf(
      filesOf(run.out).map((file) => altered(file, { system: 'mine', modulePath: join(cwd, 'mine.ts') })),
      'kept',
    )
    const viewed = await view(cwd, './mine.ts')
    try {
      await page.goto(viewed.url)
      await isShown(page)
      await drop(page, own)
      await page.waitForSelector('#what:has-text("· kept")')
      await isShown(page)
      expect((await position(page)).length).toBe(run.trace.actions.length)
    } finally {
      await viewed.close()
    }
  },
)
