package io.github.lora4j.quant.optim;

/**
 * AdamW as bitsandbytes computes it. A gradient that isn't finite moves nothing and clears the
 * weight's states.
 */
record AdamRule(double beta1, double beta2, double epsilon) implements UpdateRule {

  @Override
  public int states() {
    return 2;
  }

  @Override
  public Formula at(double learningRate, double weightDecay, int step) {
    double correction1 = 1 - Math.pow(beta1, step);
    double correction2 = Math.sqrt(1 - Math.pow(beta2, step));
    float stepSize = (float) (-learningRate * correction2 / correction1);
    float addend = (float) (correction2 * epsilon);
    float shrink = (float) (1 - learningRate * weightDecay);
    float keep1 = (float) beta1;
    float take1 = (float) (1 - beta1);
    float keep2 = (float) beta2;
    float take2 = (float) (1 - beta2);
    return (weights, gradients, first, second, count) -> {
      for (int i = 0; i < count; i++) {
        float gradient = gradients[i];
        if (!(Math.abs(gradient) <= Float.MAX_VALUE)) {
          first[i] = 0;
          second[i] = 0;
          continue;
        }
        float m = first[i] * keep1 + take1 * gradient;
        float v = second[i] * keep2 + take2 * gradient * gradient;
        first[i] = m;
        second[i] = v;
        weights[i] = (weights[i] + stepSize * (m / ((float) Math.sqrt(v) + addend))) * shrink;
      }
    };
  }
}
