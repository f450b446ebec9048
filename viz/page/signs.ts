/** Signs of buttons that fonts do not have everywhere, as pictures. */
import { svg } from './dom.js'

const outlines = {
  first: 'M3,3h2v10h-2zM13,3v10l-7,-5z',
  back: 'M12,3v10l-7,-5z',
  play: 'M4,3v10l8,-5z',
  pause: 'M4,3h3v10h-3zM9,3h3v10h-3z',
  forward: 'M4,3v10l7,-5z',
  last: 'M11,3h2v10h-2zM3,3v10l7,-5z',
  closer: 'M7,3h2v4h4v2h-4v4h-2v-4h-4v-2h4z',
  farther: 'M3,7h10v2h-10z',
  whole: 'M2,3h2v10h-2zM12,3h2v10h-2zM5,8l3,-3v2h0v2h0v2zM11,8l-3,-3v6z',
  theme: 'M8,2a6,6 0 1 0 0,12zM8,2a6,6 0 0 1 0,12v-1.2a4.8,4.8 0 0 0 0,-9.6z',
} as const
export type SignName = keyof typeof outlines

export function sign(name: SignName): SVGSVGElement {
  const picture = svg('svg', {
    width: 16,
    height: 16,
    viewBox: '0 0 16 16',
    'aria-hidden': 'true',
    class: 'sign',
  })
  picture.append(svg('path', { d: outlines[name], fill: 'currentColor' }))
  return picture
}
