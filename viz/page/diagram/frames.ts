/** One drawing a frame, however often it is asked for. */
export function onceAFrame(draw: () => void): () => void {
  let due = false
  return () => {
    if (due) return
    due = true
    requestAnimationFrame(() => {
      due = false
      draw()
    })
  }
}

/** Makes a canvas as many device pixels as its place has, and gives its context in CSS pixels. */
export function sizeCanvas(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
): CanvasRenderingContext2D {
  const ratio = globalThis.devicePixelRatio
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)]
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w
    canvas.height = h
    canvas.style.width = `${String(width)}px`
    canvas.style.height = `${String(height)}px`
  }
  const context = canvas.getContext('2d')
  if (context === null) throw new Error('this browser has no 2d canvas')
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  return context
}
