import ArgumentParser
import Formats
import Landscape
import Problems
import Runs

struct GradientsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gradients", abstract: "Write the gradients with respect to α that DARTS would follow at a checkpoint.",
    discussion: """
      Writes first.normal, first.reduce, second.normal and second.reduce (float32, [14, operations]) on one training and \
      one validation batch, those that a search would meet at the checkpoint; tensors: data are one batch each.
      """)

  @OptionGroup var source: LandscapeSource
  @Option(help: "Gradients to write: first and second, with a comma between.")
  var estimators = "first,second"
  @Option(
    help: ArgumentHelp("File for the gradients; one of an earlier call is replaced.", valueName: "file.safetensors"))
  var out: String
  @OptionGroup var overwriting: OverwriteFlag

  private static let format = "zarts-gradients-1"

  func run() throws {
    let list = try GradientEstimator.parse(list: estimators)
    try OutputFile.tensors("gradients of zarts gradients", format: Self.format)
      .require(out, overwrite: overwriting.overwrite)
    let opened = try source.open()
    opened.announce(takingSteps: list.contains(.second))
    try estimate(ProblemFactory.make(opened.configuration), opened, list)
  }

  private func estimate<Problem: BilevelProblem>(
    _ problem: Problem, _ opened: LandscapeSource.Opened, _ estimators: [GradientEstimator]
  ) throws {
    let place = try LandscapeCheckpoint(opened, of: problem, learningRate: source.innerLr)
    let training = try problem.trainingBatch(epoch: place.epoch, step: place.firstStep)
    let validation = try problem.validationBatch(epoch: place.epoch, step: place.firstStep)
    var stepChange: Double?
    let tensors = try estimators.flatMap { estimator in
      do {
        let (gradient, change) = try estimator.estimateWithStepChange(
          problem: problem, weights: place.checkpoint.weights, velocity: place.checkpoint.momentum, alphas: place.alphas,
          training: training, validation: validation, step: place.step)
        stepChange = change ?? stepChange
        return estimator.tensors(gradient)
      } catch var error as InputError {
        error.place = error.place.within(place.path)
        throw error
      }
    }
    var metadata = [
      "format": Self.format, "checkpoint": place.path, "dataset": place.configuration.dataset,
      "learning_rate": "\(place.step.learningRate)",
      "seed": "\(place.configuration.seed)", "space": place.configuration.space.rawValue,
    ]
    if let path = opened.alphasPath { metadata["alphas"] = path }
    if !opened.hasAlphas { metadata["alphas"] = "none: 0 throughout" }
    if !opened.hasMomentum { metadata["momentum"] = "none: at rest" }
    if let stepChange { metadata["second_half_step_difference"] = "\(stepChange)" }
    metadata[RunData.checksumKey] = problem.dataChecksum
    try TensorFile.write(tensors, metadata: metadata, to: out)
    if let warning = NumericalNoise.gradientWarning(stepChange) { complain(warning) }
    print(out)
  }
}
