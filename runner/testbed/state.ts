/**
 * Where testbeds are found: a folder for each, in one folder of the user's for temporary files. It belongs to a process;
 * when that is gone, however it ended, the testbed is stale, and whoever comes next removes what is left of it.
 */
import { lstatSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { RunError } from '../errors.js'
import { isAlive, processName } from './processes.js'

const processSchema = z.object({ pid: z.int().positive(), begun: z.number() })
const stateSchema = z.object({
  /** Ends the machines when it ends. */
  owner: processSchema,
  machines: z.array(processSchema),
})
export type TestbedState = z.infer<typeof stateSchema>

/** Addresses of Unix sockets have 108 bytes. */
const LONGEST_FOLDER = 90
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,23}$/

/** Of all testbeds of this user. */
function rootFolder(): string {
  const { uid } = userInfo()
  const path = join(tmpdir(), `aviary-testbed-${String(uid)}`)
  mkdirSync(path, { recursive: true, mode: 0o700 })
  const found = lstatSync(path)
  if (!found.isDirectory() || found.uid !== uid)
    throw new RunError(`${path} belongs to somebody else`, 'set TMPDIR to a folder of your own.')
  return path
}

export function testbedFolder(name: string): string {
  if (!NAME.test(name))
    throw new RunError(
      `--name ${name}: this cannot be the name of a testbed`,
      'use at most 24 letters, digits, "-" and "_".',
    )
  const path = join(rootFolder(), name)
  if (path.length > LONGEST_FOLDER)
    throw new RunError(`${path}: the path is too long for the sockets in it`, 'set TMPDIR to a shorter path.')
  return path
}

export const controlSocket = (folder: string): string => join(folder, 'control')
export const agentSocket = (folder: string, machine: number): string =>
  join(folder, `agent-${String(machine)}`)
export const consoleLog = (folder: string, machine: number): string =>
  join(folder, `machine-${String(machine)}.log`)
export const keeperLog = (folder: string): string => join(folder, 'keeper.log')
/** The folder that all machines may write; at the same path inside. */
export const shareFolder = (folder: string): string => join(folder, 'share')

/** Undefined when there is none, or its file is damaged. */
function readState(folder: string): TestbedState | undefined {
  try {
    return stateSchema.parse(JSON.parse(readFileSync(join(folder, 'state.json'), 'utf8')))
  } catch {
    return undefined
  }
}

export function writeState(folder: string, state: TestbedState): void {
  const next = join(folder, 'state.json.next')
  writeFileSync(next, JSON.stringify(state))
  renameSync(next, join(folder, 'state.json'))
}

export const isUp = (folder: string): boolean => {
  const state = readState(folder)
  return state !== undefined && isAlive(state.owner)
}

/** Names of the testbeds that are up. */
export const upNames = (): string[] =>
  readdirSync(rootFolder()).filter((name) => isUp(join(rootFolder(), name)))

/** Takes a name: afterwards its folder is there, owned by this process. Throws {@link RunError} if it is up. */
export function claim(name: string): string {
  const folder = testbedFolder(name)
  const draft = `${folder}.${String(process.pid)}`
  mkdirSync(draft, { mode: 0o700 })
  try {
    mkdirSync(shareFolder(draft))
    writeState(draft, { owner: processName(process.pid)!, machines: [] })
    // A folder takes the place of another one only when that is empty.
    renameSync(draft, folder)
  } catch (error) {
    rmSync(draft, { recursive: true, force: true })
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error
    throw new RunError(
      `the testbed ${name} is up already`,
      `use it, end it with \`aviary testbed down\`, or choose another --name.`,
    )
  }
  return folder
}

/** Ends what is left of testbeds whose owner is gone. Returns their names. */
export function removeStale(): string[] {
  const root = rootFolder()
  return readdirSync(root).filter((name) => {
    const folder = join(root, name)
    if (isUp(folder) || isYoung(folder)) return false
    const aside = `${folder}.stale-${String(process.pid)}`
    try {
      // Of several that find it, one succeeds.
      renameSync(folder, aside)
    } catch {
      return false
    }
    for (const machine of readState(aside)?.machines ?? [])
      if (isAlive(machine)) process.kill(machine.pid, 'SIGKILL')
    rmSync(aside, { recursive: true, force: true })
    return NAME.test(name)
  })
}

/** Somebody may be about to write its state. */
function isYoung(folder: string): boolean {
  try {
    return readState(folder) === undefined && Date.now() - lstatSync(folder).mtimeMs < 5000
  } catch {
    return true
  }
}
