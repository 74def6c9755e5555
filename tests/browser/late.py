"""Words from the server that reach the page late, as on a busy machine."""

TELLS_LATE = """([word, late]) => {
  const plain = window.fetch, words = new TextDecoder();
  const slow = () => new TransformStream({
    async transform(chunk, way) {
      for (const told of words.decode(chunk, { stream: true }).split(/(?<=\\n\\n)/)) {
        if (told.includes(word)) await new Promise((go) => setTimeout(go, late));
        way.enqueue(new TextEncoder().encode(told));
      }
    },
  });
  window.late = 0;
  window.fetch = async (...asked) => {
    const answer = await plain(...asked);
    if (!String(asked[0].url ?? asked[0]).includes('/queue/data')) return answer;
    window.late += 1;
    return new Response(answer.body.pipeThrough(slow()), answer);
  };
}"""
"""Takes a word and milliseconds: every message with the word is held back so long.
`window.late` counts the streams."""
