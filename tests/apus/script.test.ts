/** A story that is written wrongly says where, what is wrong, and how to mend it. */
import { describe, expect, test } from 'vitest'
import { settingNames } from './script/apus.js'
import { play } from './script/play.js'
import { parseStory, storyText } from './script/story.js'

const tell = (text: string) => play(parseStory('some.story', text, settingNames))

describe('a mistake in a story is named with its line and its mend', () => {
  test.each([
    ['no title', 'crash n0\n', /^some\.story:1: a story begins with its title\. Write/],
    ['no steps', '# A title\nnodes 3\n', /^some\.story:2: the story has no steps\./],
    ['output before steps', '# A title\n\n    n0 leader\n', /^some\.story:3: there is golden output before/],
    ['a late setting', '# A title\ncrash n0\nnodes 5\n', /^some\.story:3: "nodes" belongs to the setup/],
    ['an unknown value', '# A title\ndurability paper\ncrash n0\n', /:2: "paper" .* memory, disk/],
    ['no number', '# A title\nwindow wide\ncrash n0\n', /:2: "wide" is no value of window\. Write a whole/],
    ['a bite without property', '# A title\nbites x\ncrash n0\n', /:2: .* Write "bites VARIANT violates/],
    ['an unknown client', '# A title\nclient 7 put k0 101\n', /:2: there is no client 7\. They are 0 to 2/],
    ['an impossible wish', '# A title\nclient 0 put k0 7\n', /:2: client 0 cannot "put k0 7" .* put k0 101/],
    ['an unknown action', '# A title\nshout n0\n', /:2: there is no action "shout n0"\. Actions are called/],
    ['an action out of place', '# A title\nrestart n0\n', /:2: "restart n0" is not possible here\. Nothing/],
    [
      'a wrong choice',
      '# A title\ncrash n0 torn\n',
      /:2: "crash n0 torn" is not possible here\. Its choices/,
    ],
    ['an unknown condition', '# A title\nexpect n0 sings\n', /:2: "n0 sings" is no condition\. Conditions:/],
    ['a replica too many', '# A title\nexpect n7 leads\n', /:2: "n7 leads" is no condition\./],
    ['a false expectation', '# A title\nexpect n1 leads\n', /:2: "n1 leads" does not hold\.[^]*n1 follower/],
    ['a vain wait', '# A title\nrun until n1 leads\n', /:2: "until n1 leads" has not come true within 60 ms/],
    ['a strange release', '# A title\nrelease place n0->n1\n', /:2: nothing is held as "place n0->n1"\./],
    ['an empty hold', '# A title\nhold palce n0->n1\n', /:2: "palce n0->n1" holds nothing\./],
  ])('%s', (_name, text, message) => {
    expect(() => tell(text)).toThrow(message)
  })
})

const story = `# A leader and nothing else

# It leads.
show
    n0 sleeps

expect n0 leads
`

test('golden output is replaced, and what is written for the reader stays', () => {
  const parsed = parseStory('some.story', story, settingNames)
  const told = storyText(parsed, play(parsed).golden)
  expect(told).not.toContain('sleeps')
  expect(told.split('\n').filter((line) => !line.startsWith('    '))).toEqual(
    story.split('\n').filter((line) => !line.startsWith('    ')),
  )
  expect(told).toContain('show\n    n0 leader, view 0, log empty, stored 0, committed 0\n')
  const again = parseStory('some.story', told, settingNames)
  expect(storyText(again, play(again).golden)).toBe(told)
})

test('what a wrong variant breaks ends the story with the violation', () => {
  const text = `# Zombies

client 0 put k0 101
pause n1
pause n2
run 2 ms
`
  const parsed = parseStory('some.story', text, settingNames)
  expect(play(parsed).violation).toBeUndefined()
  expect(play(parsed, 'completion-is-acknowledgement').violation?.name).toBe('committed-is-stored')
})
