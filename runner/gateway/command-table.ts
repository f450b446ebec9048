/** All commands by name, found without making a string of the name. */
import { ownCommands, type OwnCommand } from './own-commands.js'
import type { RequestParser } from './request-parser.js'
import { storeCommands, type StoreCommand } from './store-commands.js'

/** Commands that the connection itself executes, because they concern what it does with others. */
export type Control = 'multi' | 'exec' | 'discard' | 'watch' | 'unwatch' | 'info' | 'quit' | 'reset'

export type Command =
  | ({ readonly kind: 'store' } & StoreCommand)
  | ({ readonly kind: 'own' } & OwnCommand)
  | { readonly kind: 'control'; readonly name: Control; readonly arity: number; readonly isOpen?: boolean }

const controls: readonly Command[] = [
  { kind: 'control', name: 'multi', arity: 1 },
  { kind: 'control', name: 'exec', arity: 1 },
  { kind: 'control', name: 'discard', arity: 1 },
  { kind: 'control', name: 'watch', arity: -2 },
  { kind: 'control', name: 'unwatch', arity: 1 },
  { kind: 'control', name: 'info', arity: -1 },
  { kind: 'control', name: 'quit', arity: -1, isOpen: true },
  { kind: 'control', name: 'reset', arity: 1, isOpen: true },
]

const all: readonly Command[] = [
  ...storeCommands.map((command): Command => ({ kind: 'store', ...command })),
  ...ownCommands(() => all.length).map((command): Command => ({ kind: 'own', ...command })),
  ...controls,
]

const LONGEST = Math.max(...all.map(({ name }) => name.length))

/** Names differ in this, which is checked when the table is made; letters of either case count the same. */
const blendLetter = (hash: number, letter: number): number => (Math.imul(hash, 31) + (letter | 0x20)) | 0

const table = new Map<number, Command>()
for (const command of all) {
  const hash = [...command.name].reduce((sum, letter) => blendLetter(sum, letter.charCodeAt(0)), 0)
  if (table.has(hash)) throw new Error(`${command.name} has the hash of another command`)
  table.set(hash, command)
}

/** The command of a request. */
export function commandOf({ source, starts, lengths }: RequestParser): Command | undefined {
  const start = starts[0]!
  const length = lengths[0]!
  if (length > LONGEST) return undefined
  let hash = 0
  for (let k = 0; k < length; k++) hash = blendLetter(hash, source[start + k]!)
  const command = table.get(hash)
  if (command?.name.length !== length) return undefined
  const { name } = command
  for (let k = 0; k < length; k++) {
    const letter = source[start + k]!
    const lower = letter >= 65 && letter <= 90 ? letter + 32 : letter
    if (lower !== name.charCodeAt(k)) return undefined
  }
  return command
}

/** What Redis says of a command that it does not have. */
export function unknownCommand(request: RequestParser): string {
  let quoted = ''
  for (let k = 1; k < request.count && quoted.length < 128; k++)
    quoted += `'${request.text(k).slice(0, 128 - quoted.length)}' `
  return `ERR unknown command '${request.text(0).slice(0, 128)}', with args beginning with: ${quoted}`
}
