/** Overlays: help, link, a fresh run. Each is a modal `dialog`, so focus stays in it and Escape leaves it. */
import { type Command, type Commands, keyLabel } from './commands.js'
import { byId, h } from './dom.js'
import { linkTo, saveTrace } from './files.js'
import type { Workbench } from './workbench.js'

/** Shows a dialog; it is gone when it is closed. */
export function showDialog(
  id: string,
  title: string,
  ...children: readonly (Node | string)[]
): HTMLDialogElement {
  document.getElementById(id)?.remove()
  const close = h(
    'button',
    {
      class: 'plain',
      on: {
        click: () => {
          dialog.close()
        },
      },
    },
    'Close',
  )
  const dialog: HTMLDialogElement = h(
    'dialog',
    {
      id,
      'aria-labelledby': `${id}-title`,
      on: {
        close: () => {
          dialog.remove()
        },
      },
    },
    h('div', { class: 'row spread' }, h('h2', { id: `${id}-title` }, title), close),
    ...children,
  )
  byId('dialogs').append(dialog)
  dialog.showModal()
  return dialog
}

/** Every command with its keys. */
export function showHelp(commands: Commands): void {
  const groups = new Map<string, Command[]>()
  for (const command of commands.all()) {
    const its = groups.get(command.group)
    if (its === undefined) groups.set(command.group, [command])
    else its.push(command)
  }
  showDialog(
    'help',
    'Keys',
    h(
      'div',
      { class: 'keys' },
      ...[...groups].map(([group, its]) =>
        h(
          'section',
          {},
          h('h3', {}, group),
          h(
            'dl',
            {},
            ...its.flatMap((command) => [
              h(
                'dt',
                {},
                ...command.keys.flatMap((key, index) => [
                  ...(index > 0 ? [' '] : []),
                  h('kbd', {}, keyLabel(key)),
                ]),
              ),
              h('dd', {}, command.title),
            ]),
          ),
        ),
      ),
    ),
    h(
      'p',
      { class: 'quiet' },
      'In the diagram: click goes to an action, the wheel zooms, dragging pans. In the strip above it dragging scrubs.',
    ),
    h(
      'p',
      { class: 'quiet' },
      'A trace, or the folder of a recording or all its files, is opened too when it is dropped anywhere on the page.',
    ),
  )
}

/** The link to what is shown, and the file. */
export async function showShare(bench: Workbench): Promise<void> {
  const { branch } = bench
  if (branch === undefined) return
  const link = await linkTo(bench)
  const field = h('input', {
    type: 'text',
    readonly: true,
    value: link ?? '',
    id: 'link',
    class: 'grow',
    'aria-label': 'Link to this run',
  })
  const copy = async (): Promise<void> => {
    field.select()
    await navigator.clipboard.writeText(field.value)
    bench.say('copied')
  }
  showDialog(
    'share',
    'Save or share this branch',
    h(
      'p',
      {},
      'The link holds the schedule itself; whoever opens it with a workbench that knows this system sees this run, at this step. Nothing is stored anywhere.',
    ),
    link === undefined
      ? h('p', { class: 'quiet' }, 'This run is too long for a link.')
      : h(
          'div',
          { class: 'row pad' },
          field,
          h('button', { class: 'main', on: { click: () => void copy() } }, 'Copy'),
        ),
    h(
      'p',
      {},
      'The file is an ordinary trace: ',
      h('code', {}, 'aviary replay'),
      ', ',
      h('code', {}, 'explain'),
      ' and ',
      h('code', {}, 'shrink'),
      ' take it.',
    ),
    h(
      'div',
      { class: 'row pad' },
      h(
        'button',
        { id: 'save', on: { click: () => void saveTrace(bench, branch.branch) } },
        'Save as a trace',
      ),
    ),
  )
}
