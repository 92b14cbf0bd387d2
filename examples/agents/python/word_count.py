#!/usr/bin/env python3
"""An agent that performs text.word_count: the work; nexus_agent.py beside it speaks the contract."""
import collections, os
import nexus_agent

SLOWLY = float(os.environ.get("SECONDS_PER_WORD", "0"))  # so that there is something to watch

def count(task):
    counts, words = collections.Counter(), task.params["text"].split()
    for done, word in enumerate(words, 1):
        task.wait(SLOWLY)
        counts[word.lower()] += 1
        if done % 10 == 0:
            task.progress(done / len(words), f"{done} of {len(words)} words")
    return {"words": len(words), "different": len(counts), "most_common": counts.most_common(3)}

if __name__ == "__main__":
    nexus_agent.run("text.word_count", count, "word-count")
