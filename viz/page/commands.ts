/**
 * Everything a person can do, as a list: buttons, keys and the help overlay are made of it, so that nothing can be done
 * by pointer alone and no key is without a line of help.
 */

export interface Command {
  readonly id: string
  /** Group in the help overlay. */
  readonly group: string
  /** What it does, as a button would say it. */
  readonly title: string
  /** `Shift+ArrowRight`, `n`, `?`: modifiers, then the value of `KeyboardEvent.key`. */
  readonly keys: readonly string[]
  run(): void
}

/** How a key is written for people. */
export function keyLabel(key: string): string {
  const names: Readonly<Record<string, string>> = {
    ArrowLeft: '←',
    ArrowRight: '→',
    ArrowUp: '↑',
    ArrowDown: '↓',
    ' ': 'Space',
    Escape: 'Esc',
  }
  return key
    .split(/(?<=.)\+/)
    .map((part) => names[part] ?? part)
    .join(' ')
}

/** The name of a pressed key as commands write it. Shift is named only where the key itself does not tell it. */
export function keyOf(
  event: Pick<KeyboardEvent, 'key' | 'shiftKey' | 'ctrlKey' | 'altKey' | 'metaKey'>,
): string {
  const shift = event.shiftKey && (event.key.length > 1 || event.key === ' ')
  return `${event.ctrlKey || event.metaKey ? 'Ctrl+' : ''}${event.altKey ? 'Alt+' : ''}${shift ? 'Shift+' : ''}${event.key}`
}

export class Commands {
  readonly #byId = new Map<string, Command>()
  readonly #byKey = new Map<string, Command>()

  /** Throws for an id or a key that is taken: two meanings of one key would be found by users, not by tests. */
  add(...commands: readonly Command[]): void {
    for (const command of commands) {
      if (this.#byId.has(command.id)) throw new Error(`there are two commands ${command.id}`)
      this.#byId.set(command.id, command)
      for (const key of command.keys) {
        const other = this.#byKey.get(key)
        if (other !== undefined) throw new Error(`${command.id} and ${other.id} have the key ${key}`)
        this.#byKey.set(key, command)
      }
    }
  }
  all(): readonly Command[] {
    return [...this.#byId.values()]
  }
  get(id: string): Command {
    const command = this.#byId.get(id)
    if (command === undefined) throw new Error(`there is no command ${id}`)
    return command
  }
  /** What a button says on hovering: the title and its key. */
  hint(id: string): string {
    const { title, keys } = this.get(id)
    return keys.length === 0 ? title : `${title} (${keyLabel(keys[0]!)})`
  }
  /** Runs what the key means. False where it means nothing, or belongs to the field or button that has the focus. */
  press(event: KeyboardEvent): boolean {
    const command = this.#byKey.get(keyOf(event))
    if (command === undefined || belongsToTarget(event)) return false
    command.run()
    return true
  }
}

/** Keys that a focused control takes for itself. */
function belongsToTarget(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return false
  const { target, key } = event
  if (!(target instanceof Element)) return false
  if (target.closest('dialog[open]') !== null && key !== '?') return true
  if (target.matches('input, textarea, select, [contenteditable]')) return key !== 'Escape'
  const activates = key === 'Enter' || key === ' '
  if (activates && target.matches('button, a[href], summary, [role=button], [role=tab], [role=option]'))
    return true
  return key.startsWith('Arrow') && target.closest('[role=tablist], [role=listbox], [role=tree]') !== null
}
