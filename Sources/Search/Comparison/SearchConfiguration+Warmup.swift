extension SearchConfiguration {
  /// The search that this one is until α first moves, for a shared computation: what neither the weights nor the rows of
  /// the warm-up depend on is at its default, and α never moves.
  ///
  /// Searches with equal ones have the same warm-up, bit for bit, as far as it goes in each.
  var sharedWarmup: SearchConfiguration {
    var shared = SearchConfiguration(method: .darts1, space: space, dataset: dataset)
    shared.seed = seed
    shared.epochs = epochs
    shared.warmup = epochs
    (shared.channels, shared.layers, shared.batch, shared.trainLimit) = (channels, layers, batch, trainLimit)
    (shared.partialChannels, shared.edgeNormalisation) = (partialChannels, edgeNormalisation)
    shared.mergedConvolutions = mergedConvolutions
    (shared.skipDropout, shared.maximumSkips, shared.keptOperations) = (skipDropout, maximumSkips, keptOperations)
    (shared.learningRate, shared.minimumLearningRate) = (learningRate, minimumLearningRate)
    (shared.momentum, shared.weightDecay, shared.gradientClip) = (momentum, weightDecay, gradientClip)
    (shared.threads, shared.tensorboard, shared.checkpointEvery) = (threads, tensorboard, checkpointEvery)
    return shared
  }
}
