"""TRL's SFTTrainer on examples of realistic lengths; only tokens that are no padding count."""

import tempfile
import time

from datasets import Dataset, disable_progress_bars
from transformers import AutoTokenizer, TrainerCallback
from transformers.trainer_callback import PrinterCallback
from trl import SFTConfig, SFTTrainer

import shared

PACKED_ROWS = 2


class StepClock(TrainerCallback):
    """When each step ended."""

    def __init__(self):
        self.ends = []

    def on_step_end(self, args, state, control, **kwargs):
        self.ends.append(time.perf_counter())


def config(task, folder):
    packed = task.variant == "PACKED"
    return SFTConfig(
        output_dir=folder,
        per_device_train_batch_size=PACKED_ROWS if packed else task.batch,
        packing=packed,
        max_length=task.length,
        max_steps=task.warmup + task.steps,
        learning_rate=1e-4,
        lr_scheduler_type="constant",
        train_sampling_strategy="sequential",
        # Neither of TRL's defaults: the other side doesn't have them switched on either.
        gradient_checkpointing=False,
        bf16=False,
        use_cpu=True,
        dataloader_pin_memory=False,
        logging_strategy="no",
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
    )


def observe(trainer):
    """Collects what each step is given and gives: tokens that are no padding, and the loss."""
    tokens, losses = [], []
    training_step = trainer.training_step

    def observed(model, inputs, *args, **kwargs):
        mask = inputs.get("attention_mask")
        tokens.append(inputs["input_ids"].numel() if mask is None else int(mask.sum()))
        loss = training_step(model, inputs, *args, **kwargs)
        losses.append(float(loss))
        return loss

    trainer.training_step = observed
    return tokens, losses


def main():
    task = shared.read_task()
    disable_progress_bars()
    model = shared.adapted_model(task)
    all_steps = task.warmup + task.steps
    packed = task.variant == "PACKED"
    # Packed rows hold about as much as a padded batch: twice that is enough for all steps.
    count = task.batch * all_steps * (2 if packed else 1)
    examples = shared.RandomTokens(model.config.vocab_size).examples(count, task.length)
    clock = StepClock()
    with tempfile.TemporaryDirectory() as folder:
        trainer = SFTTrainer(
            model=model,
            args=config(task, folder),
            train_dataset=Dataset.from_list(examples),
            processing_class=AutoTokenizer.from_pretrained(task.model),
            callbacks=[clock],
        )
        trainer.remove_callback(PrinterCallback)
        tokens, losses = observe(trainer)
        shared.reset_peak()
        trainer.train()
    seconds = clock.ends[-1] - clock.ends[task.warmup - 1]
    shared.report(
        tokens_per_second=sum(tokens[task.warmup :]) / seconds,
        step_ms=1000 * seconds / task.steps,
        peak_rss_mb=shared.peak_rss_mb(),
        first_loss=None if packed else losses[0],
    )


if __name__ == "__main__":
    main()
