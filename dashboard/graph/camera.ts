/** How the drawing is seen: moved and scaled by a transform alone, so that nothing is drawn anew while it moves. */
export class Camera {
  x = 0;
  y = 0;
  scale = 1;
  readonly #frame: HTMLElement;
  readonly #stage: HTMLElement;
  #pending = false;

  constructor(frame: HTMLElement, stage: HTMLElement) {
    this.#frame = frame;
    this.#stage = stage;
  }

  /** Shows all of it, never larger than life. */
  fit(width: number, height: number): void {
    const { clientWidth, clientHeight } = this.#frame;
    if (width === 0 || height === 0 || clientWidth === 0) return;
    const margin = 24;
    this.scale = Math.min(1, (clientWidth - 2 * margin) / width, (clientHeight - 2 * margin) / height);
    this.x = (clientWidth - width * this.scale) / 2;
    this.y = Math.max(margin, (clientHeight - height * this.scale) / 2);
    this.#draw();
  }

  /** By pixels of the screen. */
  pan(dx: number, dy: number): void {
    this.x += dx;
    this.y += dy;
    this.#draw();
  }

  /** Around a point of the frame; its middle unless told. */
  zoom(factor: number, atX = this.#frame.clientWidth / 2, atY = this.#frame.clientHeight / 2): void {
    const scale = Math.min(2.5, Math.max(0.05, this.scale * factor));
    this.x = atX - ((atX - this.x) * scale) / this.scale;
    this.y = atY - ((atY - this.y) * scale) / this.scale;
    this.scale = scale;
    this.#draw();
  }

  /** Moves as little as it takes to have the box in sight. */
  reveal(box: {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
  }): void {
    const margin = 40;
    const { clientWidth, clientHeight } = this.#frame;
    const [left, top] = [this.x + box.x * this.scale, this.y + box.y * this.scale];
    const [right, bottom] = [left + box.width * this.scale, top + box.height * this.scale];
    if (left < margin) this.x += margin - left;
    else if (right > clientWidth - margin) this.x -= right - clientWidth + margin;
    if (top < margin) this.y += margin - top;
    else if (bottom > clientHeight - margin) this.y -= bottom - clientHeight + margin;
    this.#draw();
  }

  #draw(): void {
    if (this.#pending) return;
    this.#pending = true;
    requestAnimationFrame(() => {
      this.#pending = false;
      this.#stage.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
      // Far away nobody can read it, and not drawing text is most of what drawing costs.
      this.#stage.classList.toggle('far', this.scale < 0.42);
    });
  }
}
