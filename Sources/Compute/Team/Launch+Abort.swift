import Foundation

extension Launch {
  /// Ends the job of a process that has not joined MPI, where the launcher would have the others wait for it: that of MPICH
  /// takes no notice of a process that ends before `MPI_Init`. To be called before such a process ends in failure, when its
  /// words are written.
  ///
  /// The words are those of version 1 of the process management interface (PMI, Balaji et al. 2010), a line on a descriptor that
  /// the process has from its launcher.
  ///
  /// - Parameter passing: seconds in which the launcher passes on what has been written.
  package func endJob(status: Int32, passing: Double) {
    guard let abortDescriptor else { return }
    Thread.sleep(forTimeInterval: passing)
    let line = Array("cmd=abort exitcode=\(status)\n".utf8)
    // A socket. Whoever isn't there any more needs no word.
    _ = send(abortDescriptor, line, line.count, Int32(MSG_NOSIGNAL))
  }
}
