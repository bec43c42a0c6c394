import Compute
import Datasets
import Foundation
import Supernet
let args = CommandLine.arguments
let threads = args.count > 1 ? Int(args[1])! : 2
let space = SearchSpace(rawValue: args.count > 2 ? args[2] : "s6")!
let channels = args.count > 3 ? Int(args[3])! : 16
let arch = try SupernetArchitecture(space: space, channels: channels, layers: 8)
let kernels = try Kernels.select()
let model = try SupernetModel(architecture: arch, batch: 64, threads: threads, kernels: kernels)
print(kernels.name, "MB", model.activationBytes >> 20)
let w = model.makeInitialWeights(seed: 1), a = model.makeInitialAlphas(seed: 1)
let g = model.makeVector(), v = model.makeVector()
var s = RandomStream(seed: 3, purpose: .test)
let b = ImageBatch(images: (0..<64*3*1024).map { _ in Float(s.normal()) }, labels: (0..<64).map { Int32($0 % 10) }, channels: 3, height: 32, width: 32, noiseKey: 1)
func time(_ n: String, _ f: () -> Void) {
  f()
  var best = 1e9
  for _ in 0..<5 { var u0 = timespec(), u1 = timespec(); clock_gettime(threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &u0); f(); clock_gettime(threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &u1); best = min(best, Double(u1.tv_sec - u0.tv_sec) + Double(u1.tv_nsec - u0.tv_nsec) / 1e9) }
  print(n, best)
}
time("train_step") {
  _ = model.gradient(weights: w, alphas: a, batch: b, weightGradient: g, wantsAlphaGradient: false, statistics: nil)
  let n = g.norm
  w.momentumStep(velocity: v, gradient: g, gradientScale: Float(min(1, 5 / n)), learningRate: 0.025, momentum: 0.9, weightDecay: 3e-4)
}
time("forward") { _ = model.evaluate(weights: w, alphas: a, batch: b) }
time("alpha_first") { _ = model.gradient(weights: w, alphas: a, batch: b, weightGradient: nil, wantsAlphaGradient: true, statistics: nil) }
if args.count > 4 { for _ in 0..<Int(args[4])! {   _ = model.gradient(weights: w, alphas: a, batch: b, weightGradient: g, wantsAlphaGradient: false, statistics: nil)
 } }
if args.count > 5 { for _ in 0..<Int(args[5])! { _ = model.evaluate(weights: w, alphas: a, batch: b) } }
