package io.github.lora4j.examples.quickstart;

import io.github.lora4j.train.LogRow;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import javax.imageio.ImageIO;
import org.jfree.chart.ChartFactory;
import org.jfree.chart.JFreeChart;
import org.jfree.chart.plot.PlotOrientation;
import org.jfree.chart.plot.XYPlot;
import org.jfree.data.xy.XYSeries;
import org.jfree.data.xy.XYSeriesCollection;

/** A picture of how the loss went. */
final class LossChart {

  private static final int WIDTH = 900;
  private static final int HEIGHT = 500;

  private LossChart() {}

  /**
   * Draws the training loss, and the evaluation loss where there is one, over the updates.
   *
   * @param history the log lines of the run
   * @param file a PNG file to write
   */
  static void save(List<LogRow> history, Path file) {
    System.setProperty("java.awt.headless", "true"); // no window, so no display is needed
    XYSeriesCollection series = new XYSeriesCollection();
    add(series, "training", "loss", history);
    add(series, "evaluation", "eval_loss", history);
    JFreeChart chart =
        ChartFactory.createXYLineChart(
            "Loss",
            "update",
            "loss per token",
            series,
            PlotOrientation.VERTICAL,
            true,
            false,
            false);
    XYPlot plot = chart.getXYPlot();
    plot.setBackgroundPaint(Color.WHITE);
    plot.setDomainGridlinePaint(Color.LIGHT_GRAY);
    plot.setRangeGridlinePaint(Color.LIGHT_GRAY);
    for (int i = 0; i < series.getSeriesCount(); i++) {
      plot.getRenderer().setSeriesStroke(i, new BasicStroke(2f));
    }
    write(chart.createBufferedImage(WIDTH, HEIGHT), file);
  }

  private static void add(XYSeriesCollection all, String title, String name, List<LogRow> history) {
    XYSeries series = new XYSeries(title);
    for (LogRow row : history) {
      row.value(name).ifPresent(value -> series.addOrUpdate(row.step(), value));
    }
    if (!series.isEmpty()) {
      all.addSeries(series);
    }
  }

  private static void write(BufferedImage image, Path file) {
    Path temporary = file.resolveSibling(file.getFileName() + ".tmp");
    try {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      ImageIO.write(image, "png", bytes);
      Files.write(temporary, bytes.toByteArray());
      Files.move(temporary, file, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot write " + file, e);
    }
  }
}
