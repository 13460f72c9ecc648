/** What comes next in a session, and what came before it that nobody will answer. */
export interface Next<Message> {
  index: number;
  message: Message;
  droppedIndexes: number[];
}

interface Waiting<Message> {
  index: number;
  message: Message;
}

/**
 * The messages of a session that wait while one is being answered: the newest that sets an image, and the newest prompt
 * on that image. A person who moves a point wants the mask of where it is now, not of where it was.
 */
export class NewestPrompt<Message> {
  private image: Waiting<Message> | undefined;
  private prompt: Waiting<Message> | undefined;
  private dropped: number[] = [];
  private count = 0;

  /** @param index of the message that is offered next */
  startAt(index: number): void {
    this.count = index;
  }

  /** @param setsImage whether the message replaces the image that prompts are on */
  offer(message: Message, setsImage: boolean): void {
    const index = this.count;
    this.count += 1;
    this.drop(this.prompt);
    this.prompt = undefined;
    if (setsImage) {
      this.drop(this.image);
      this.image = { index, message };
    } else {
      this.prompt = { index, message };
    }
  }

  take(): Next<Message> | undefined {
    const next = this.image ?? this.prompt;
    if (!next) return undefined;
    if (this.image) this.image = undefined;
    else this.prompt = undefined;
    const earlier = this.dropped.filter((index) => index < next.index).sort((a, b) => a - b);
    this.dropped = this.dropped.filter((index) => index > next.index);
    return { ...next, droppedIndexes: earlier };
  }

  private drop(waiting: Waiting<Message> | undefined): void {
    if (waiting) this.dropped.push(waiting.index);
  }
}
