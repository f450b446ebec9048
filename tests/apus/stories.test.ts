/**
 * The stories of APUS go as they are told, byte for byte, and nothing that the protocol promises is broken on the way. A
 * wrong variant that a story names as its bite does not survive it.
 *
 * `node scripts/stories.mjs --write` writes what happens into the stories.
 */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { apus } from '../../protocol/apus/index.js'
import { settingNames } from './script/apus.js'
import { play } from './script/play.js'
import { parseStory, storyText } from './script/story.js'

const folder = new URL('stories/', import.meta.url)
const writes = process.env['AVIARY_STORIES'] === 'write'

const stories = readdirSync(folder)
  .filter((file) => file.endsWith('.story'))
  .sort()
  .map((file) => {
    const text = readFileSync(new URL(file, folder), 'utf8')
    return { file, text, story: parseStory(`tests/apus/stories/${file}`, text, settingNames) }
  })

test('the list of stories names each of them once', () => {
  const list = readFileSync(new URL('README.md', folder), 'utf8')
  const named = [...list.matchAll(/\]\((.*?\.story)\)/g)].map(([, file]) => file)
  expect(named.sort()).toEqual(stories.map(({ file }) => file))
})

describe.each(stories)('$story.title', ({ file, text, story }) => {
  test('goes as it is told', () => {
    const { golden, violation } = play(story)
    expect(violation, violation?.reason).toBeUndefined()
    const told = storyText(story, golden)
    if (writes && told !== text) writeFileSync(new URL(file, folder), told)
    else expect(told, 'something else happens: read it, then run node scripts/stories.mjs --write').toBe(text)
  })

  for (const { bug, property } of story.teeth)
    test(`${bug} does not survive it`, () => {
      expect(Object.keys(apus.bugs)).toContain(bug)
      expect(play(story, bug).violation?.name).toBe(property)
    })
})
