package io.github.lora4j.quant.optim;

/** Lion as bitsandbytes computes it: each weight moves by the learning rate, up or down. */
record LionRule(double beta1, double beta2) implements UpdateRule {

  @Override
  public int states() {
    return 1;
  }

  @Override
  public Formula at(double learningRate, double weightDecay, int step) {
    float rate = (float) learningRate;
    float shrink = (float) (1 - learningRate * weightDecay);
    float keep1 = (float) beta1;
    float take1 = (float) (1 - beta1);
    float keep2 = (float) beta2;
    float take2 = (float) (1 - beta2);
    return (weights, gradients, first, second, count) -> {
      for (int i = 0; i < count; i++) {
        float gradient = gradients[i];
        float direction = Math.signum(first[i] * keep1 + take1 * gradient);
        weights[i] = weights[i] * shrink - rate * direction;
        first[i] = first[i] * keep2 + take2 * gradient;
      }
    };
  }
}
