import CKernels

extension Bench {
  /// An optional operand.
  func input(_ values: [Float]?) -> UnsafePointer<Float>? { values.map { input($0) } }

  /// The terms of a sum.
  private func list(_ terms: [[Float]]) -> ck_terms {
    let pointers: [UnsafePointer<Float>?] = terms.map { memory($0) }
    return ck_terms(blocks: input(pointers.isEmpty ? [nil] : pointers), count: Int32(terms.count))
  }

  func plane(_ height: Int, _ width: Int, pad: Int) -> ck_plane {
    ck_plane(height: Int32(height), width: Int32(width), pad: Int32(pad), memoryLanes: lanes)
  }

  /// floats: target. `target` is a padded plane.
  func reluPad(_ source: [Float], scale: [Float]?, shift: [Float]?, target: [Float], height: Int, width: Int, pad: Int)
    -> Results
  {
    let output = self.output(target)
    kernels.relu_pad(
      output, memory(source), ck_map(scale: input(scale), shift: input(shift)), plane(height, width, pad: pad))
    return Results(floats: [read(output, target.count)])
  }

  /// floats: a·x + b·y + c, in place of x where `inPlace`.
  func affine(x: [Float], a: [Float], y: [Float]?, b: [Float]?, c: [Float], inPlace: Bool) -> Results {
    let output = inPlace ? self.output(x) : scratch(x.count)
    kernels.affine(
      output, inPlace ? UnsafePointer(output) : memory(x), memory(y), lanes,
      ck_gradient_map(gradient: input(a), output: input(b), shift: input(c)), Int32(x.count / 16))
    return Results(floats: [read(output, x.count)])
  }

  /// floats: scale·source + shift, in place of the source where `inPlace`.
  func normalise(_ source: [Float], scale: [Float], shift: [Float], inPlace: Bool) -> Results {
    let output = inPlace ? writable(source) : unwritten(source.count)
    kernels.normalise(
      output, inPlace ? UnsafePointer(output) : memory(source), lanes, ck_map(scale: input(scale), shift: input(shift)),
      Int32(source.count / 16))
    return Results(floats: [readMemory(output, source.count)])
  }

  /// floats: target, to which the sum is added where there is no shift.
  func combine(target: [Float], terms: [[Float]], coefficients: [Float], stride: Int, shift: [Float]?) -> Results {
    let output = writable(target)
    kernels.combine(
      output, lanes, list(terms),
      ck_coefficients(values: input(coefficients), stride: Int64(stride), shift: input(shift)), Int32(target.count / 16))
    return Results(floats: [readMemory(output, target.count)])
  }

  /// doubles: Σ g·term of each term, Σ g where wanted.
  func reduce(gradient: [Float], terms: [[Float]], sums: [Double], stride: Int, gradientSum: [Double]?) -> Results {
    let total = output(sums)
    let own = gradientSum.map { output($0) }
    kernels.reduce(
      memory(gradient), lanes, list(terms), ck_products(products: total, stride: Int64(stride), gradient: own),
      Int32(gradient.count / 16))
    return Results(doubles: [read(total, sums.count), own.map { read($0, 16) } ?? []])
  }

  enum Aliasing { case none, gradient, addend }

  /// floats: (input > 0 ? gradient : 0) + addend, in a place of its own or that of an operand.
  func mask(gradient: [Float], padded: [Float], addend: [Float]?, height: Int, width: Int, pad: Int, aliasing: Aliasing)
    -> Results
  {
    let (output, g, a): (UnsafeMutablePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>?)
    switch aliasing {
    case .none: (output, g, a) = (unwritten(gradient.count), input(gradient), memory(addend))
    case .gradient:
      output = self.output(gradient)
      (g, a) = (UnsafePointer(output), input(addend))
    case .addend:
      output = writable(addend ?? gradient)
      (g, a) = (input(gradient), addend == nil ? nil : UnsafePointer(output))
    }
    kernels.mask(output, g, input(padded), a, plane(height, width, pad: pad))
    return Results(floats: [readMemory(output, gradient.count)])
  }

  /// floats: input > 0 ? gradient : 0; doubles: Σ of it times term, Σ of it, added to what stood there.
  func maskReduce(gradient: [Float], padded: [Float], term: [Float], sums: [Double], height: Int, width: Int, pad: Int)
    -> Results
  {
    let target = unwritten(gradient.count)
    let (product, total) = (output(sums), output(sums))
    kernels.mask_reduce(
      target, input(gradient), input(padded), memory(term), plane(height, width, pad: pad), product, total)
    return Results(floats: [readMemory(target, gradient.count)], doubles: [read(product, 16), read(total, 16)])
  }

  /// floats: target.
  func maskFlat(target: [Float], gradient: [Float], source: [Float], accumulate: Bool) -> Results {
    let output = writable(target)
    kernels.mask_flat(output, lanes, input(gradient), memory(source), Int32(target.count / 16), accumulate ? 1 : 0)
    return Results(floats: [readMemory(output, target.count)])
  }

  /// floats: relu(source).
  func reluFlat(_ source: [Float]) -> Results {
    let output = scratch(source.count)
    kernels.relu_flat(output, memory(source), lanes, Int32(source.count / 16))
    return Results(floats: [read(output, source.count)])
  }

  private func halves(_ width: Int, _ offset: Int, firstRow: Int, rows: Int) -> ck_halves {
    ck_halves(
      width: Int32(width), offset: Int32(offset), firstRow: Int32(firstRow), rows: Int32(rows), memoryLanes: lanes)
  }

  /// floats: the band.
  func reluGather(_ source: [Float], width: Int, offset: Int, firstRow: Int, rows: Int) -> Results {
    let count = rows * (width / 2) * 16
    let output = scratch(count)
    kernels.relu_gather(output, memory(source), halves(width, offset, firstRow: firstRow, rows: rows))
    return Results(floats: [read(output, count)])
  }

  /// floats: target.
  func scatterMasked(
    target: [Float], gradient: [Float], source: [Float], width: Int, offset: Int, firstRow: Int, rows: Int
  ) -> Results {
    let output = writable(target)
    kernels.scatter_masked(
      output, input(gradient), memory(source), halves(width, offset, firstRow: firstRow, rows: rows))
    return Results(floats: [readMemory(output, target.count)])
  }

  /// floats: the two blocks of the band, with what was between and after them.
  func patches(_ image: [Float], height: Int, width: Int, stride: Int, firstRow: Int, rows: Int, gap: Int) -> Results {
    let block = rows * width / stride * 16 + gap
    let count = 2 * block
    let output = self.output([Float](repeating: 123, count: count))
    kernels.patches(
      output, input(image), Int32(height), Int32(width), Int32(stride),
      ck_rows(stride: Int64(block), first: Int32(firstRow), count: Int32(rows)))
    return Results(floats: [read(output, count)])
  }

  /// floats: 16 means.
  func planeMean(_ source: [Float]) -> Results {
    let output = scratch(16)
    kernels.plane_mean(output, memory(source), lanes, Int32(source.count / 16))
    return Results(floats: [read(output, 16)])
  }

  /// floats: `pixels` times the lanes.
  func planeFill(_ values: [Float], pixels: Int) -> Results {
    let output = unwritten(pixels * 16)
    kernels.plane_fill(output, lanes, input(values), Int32(pixels))
    return Results(floats: [readMemory(output, pixels * 16)])
  }
}
