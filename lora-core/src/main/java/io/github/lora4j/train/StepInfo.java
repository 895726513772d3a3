package io.github.lora4j.train;

/**
 * What one update did.
 *
 * @param step updates completed, this one included
 * @param maxSteps updates that the run is going to have
 * @param epoch epochs completed, as a fraction
 * @param loss mean loss of the update's supervised items
 * @param gradNorm 2-norm of all gradients before clipping
 * @param learningRate rate that this update used
 * @param supervisedTokens tokens that carried loss, or sequences where whole sequences are labelled
 * @param inputTokens input tokens that are no padding
 */
public record StepInfo(
    int step,
    int maxSteps,
    double epoch,
    double loss,
    double gradNorm,
    double learningRate,
    long supervisedTokens,
    long inputTokens) {}
