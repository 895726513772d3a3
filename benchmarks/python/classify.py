"""transformers' Trainer with a fresh head for classes; only tokens that are no padding count."""

import tempfile
import time

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForSequenceClassification, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback
from transformers.utils import logging as transformers_logging

import shared

CLASSES = 4
PAD_ID = 0


class StepClock(TrainerCallback):
    """When each step ended."""

    def __init__(self):
        self.ends = []

    def on_step_end(self, args, state, control, **kwargs):
        self.ends.append(time.perf_counter())


class Texts(torch.utils.data.Dataset):
    """Rows of one class each, in turn."""

    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        return {"input_ids": self.rows[index], "labels": index % CLASSES}


def adapted_classifier(task):
    transformers_logging.disable_progress_bar()
    base = AutoModelForSequenceClassification.from_pretrained(
        task.model, num_labels=CLASSES, pad_token_id=PAD_ID, dtype=getattr(torch, task.dtype)
    )
    config = LoraConfig(
        task_type="SEQ_CLS", r=task.r, lora_alpha=task.alpha, target_modules=task.targets, lora_dropout=0.0
    )
    return get_peft_model(base, config)


def collator(tokens):
    """Pads on the right as DataCollatorWithPadding does, and counts what is no padding."""

    def collate(examples):
        lengths = [len(example["input_ids"]) for example in examples]
        longest = max(lengths)
        tokens.append(sum(lengths))
        return {
            "input_ids": torch.tensor([e["input_ids"] + [PAD_ID] * (longest - n) for e, n in zip(examples, lengths)]),
            "attention_mask": torch.tensor([[1] * n + [0] * (longest - n) for n in lengths]),
            "labels": torch.tensor([example["labels"] for example in examples]),
        }

    return collate


def arguments(task, folder):
    return TrainingArguments(
        output_dir=folder,
        per_device_train_batch_size=task.batch,
        max_steps=task.warmup + task.steps,
        learning_rate=1e-4,
        lr_scheduler_type="constant",
        train_sampling_strategy="sequential",
        use_cpu=True,
        dataloader_pin_memory=False,
        logging_strategy="no",
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        remove_unused_columns=False,
    )


def main():
    task = shared.read_task()
    model = adapted_classifier(task)
    all_steps = task.warmup + task.steps
    rows = shared.RandomTokens(model.config.vocab_size).texts(task.batch * all_steps, task.length)
    clock, tokens = StepClock(), []
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            model=model,
            args=arguments(task, folder),
            train_dataset=Texts(rows),
            data_collator=collator(tokens),
            callbacks=[clock],
        )
        trainer.remove_callback(PrinterCallback)
        shared.reset_peak()
        trainer.train()
    seconds = clock.ends[-1] - clock.ends[task.warmup - 1]
    shared.report(
        tokens_per_second=sum(tokens[task.warmup : all_steps]) / seconds,
        step_ms=1000 * seconds / task.steps,
        peak_rss_mb=shared.peak_rss_mb(),
    )


if __name__ == "__main__":
    main()
