using System.Runtime.InteropServices;

namespace Lanyard.Cli;

/// <summary>Turns termination signals into a cancellation, so that the command shuts down in order.</summary>
internal sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<PosixSignalRegistration> _registrations = [];

    /// <summary>Registers the signal handlers.</summary>
    /// <param name="withInterrupt">Whether to handle SIGINT. A command that runs a program leaves it to the program.</param>
    /// <param name="withHangup">Whether to handle SIGHUP. A daemon reloads its configuration instead.</param>
    public StopSignals(bool withInterrupt, bool withHangup)
    {
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop));
        if (withInterrupt)
            _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop));
        if (withHangup)
            _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGHUP, Stop));
    }

    /// <summary>The token that the first signal cancels. A second signal of the same kind ends the process.</summary>
    public CancellationToken Token => _stop.Token;

    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
        _stop.Dispose();
    }

    private void Stop(PosixSignalContext context)
    {
        if (_stop.IsCancellationRequested)
            return;
        context.Cancel = true;
        _stop.Cancel();
    }
}
