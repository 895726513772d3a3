#!/usr/bin/env python3
"""Writes the story that transformers (5.18) tells greedily with the stories260k model: python make_story.py MODEL OUT.json"""
import json
import sys
import transformers as tf

model = tf.AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype="float32")
tokenizer = tf.AutoTokenizer.from_pretrained(sys.argv[1])
prompt = "Once upon a time"
ids = tokenizer(prompt, return_tensors="pt")
out = model.generate(**ids, max_new_tokens=200, do_sample=False)[0].tolist()
new = out[ids.input_ids.shape[1]:]
json.dump({"prompt": prompt, "promptIds": ids.input_ids[0].tolist(), "newIds": new,
           "text": tokenizer.decode(out, skip_special_tokens=True)}, open(sys.argv[2], "w"), indent=1)
