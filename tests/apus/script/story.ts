/**
 * A story: a scenario script as a text file that people read and a test checks byte for byte.
 *
 * ```
 * # The title
 * #
 * # What happens and why, in the protocol's terms.
 *
 * nodes 3
 * durability disk
 *
 * client 0 put k0 101
 *     c0 -> n0 put k0 101
 * run until client 0 answered done
 *     n0 <- c0 put k0 101: appended 1
 *     …
 * ```
 *
 * A line `bites VARIANT violates PROPERTY` of the setup says that the story is fatal to a wrong variant of the protocol:
 * told with it, the story ends in a violation of that property.
 *
 * Lines that begin with `#` are for the reader. Lines at the margin are the setup, until the first step, and then the
 * steps. Indented lines are the golden output of the step above them. They are made, never written by hand.
 */

/** A mistake in a story, or a story that does not go as it is told; says where, what, and how to mend it. */
export class StoryError extends Error {
  constructor(file: string, line: number, what: string, mend: string) {
    super(`${file}:${line}: ${what}. ${mend}`)
    this.name = 'StoryError'
  }
}

export interface Step {
  /** Line of the file, from 1. */
  readonly line: number
  readonly text: string
}

/** A wrong variant that does not survive the story, and the property that it violates. */
interface Teeth {
  readonly line: number
  readonly bug: string
  readonly property: string
}

export interface Story {
  readonly file: string
  readonly title: string
  readonly lines: readonly string[]
  /** Lines of the setup: a name and a value. */
  readonly settings: readonly { readonly line: number; readonly name: string; readonly value: string }[]
  readonly teeth: readonly Teeth[]
  readonly steps: readonly Step[]
}

const INDENT = '    '
const teethSetting = 'bites'

export function parseStory(file: string, text: string, settingNames: readonly string[]): Story {
  const lines = text.replace(/\n$/, '').split('\n')
  const settings: { line: number; name: string; value: string }[] = []
  const teeth: Teeth[] = []
  const steps: Step[] = []
  const title = /^# (\S.*)$/.exec(lines[0] ?? '')?.[1]
  if (title === undefined)
    throw new StoryError(file, 1, 'a story begins with its title', 'Write "# The title" in the first line')
  lines.forEach((content, i) => {
    const line = i + 1
    const fail = (what: string, mend: string): StoryError => new StoryError(file, line, what, mend)
    if (content === '' || content.startsWith('#')) return
    if (/^\s/.test(content)) {
      if (steps.length === 0)
        throw fail('there is golden output before the first step', 'Remove the indentation, or the line')
      return
    }
    const [name = '', ...rest] = content.split(/\s+/)
    const value = rest.join(' ')
    if (!settingNames.includes(name) && name !== teethSetting) {
      steps.push({ line, text: content.trim() })
      return
    }
    if (steps.length > 0)
      throw fail(`"${name}" belongs to the setup, and a step came before it`, 'Move it above the first step')
    if (name !== teethSetting) {
      settings.push({ line, name, value })
      return
    }
    const found = /^(\S+) violates (\S.*)$/.exec(value)
    if (found === null)
      throw fail(`"${content}" names no variant and property`, 'Write "bites VARIANT violates PROPERTY"')
    teeth.push({ line, bug: found[1]!, property: found[2]! })
  })
  if (steps.length === 0)
    throw new StoryError(file, lines.length, 'the story has no steps', 'Write what is done')
  return { file, title, lines, settings, teeth, steps }
}

/** The text of the story with this golden output: the lines of each step in turn. */
export function storyText(story: Story, golden: readonly (readonly string[])[]): string {
  const outputs = new Map(story.steps.map(({ line }, i) => [line, golden[i] ?? []]))
  let text = ''
  story.lines.forEach((content, i) => {
    if (/^\s/.test(content)) return
    text += `${content}\n`
    for (const output of outputs.get(i + 1) ?? []) text += `${INDENT}${output}\n`
  })
  return text
}
