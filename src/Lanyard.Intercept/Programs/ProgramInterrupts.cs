using System.Runtime.InteropServices;

namespace Lanyard.Intercept.Programs;

/// <summary>
/// What a terminal sends when somebody types Ctrl-C or Ctrl-\\, while a program runs in the foreground: the program gets it as well, and it is for the program
/// to say what it means. Before the program begins, and after it has ended, it ends the command.
/// </summary>
public sealed class ProgramInterrupts : IDisposable
{
    private readonly CancellationTokenSource _stop;
    private readonly PosixSignalRegistration[] _registrations;
    private volatile bool _isPrograms;

    /// <param name="cancellation">Ends the command in any case.</param>
    public ProgramInterrupts(CancellationToken cancellation)
    {
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        _registrations = [PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle), PosixSignalRegistration.Create(PosixSignal.SIGQUIT, Handle)];
    }

    /// <summary>Ends the command.</summary>
    public CancellationToken Token => _stop.Token;

    /// <summary>The program is in the foreground until what this returns is disposed.</summary>
    public IDisposable LeaveToProgram() => new Foreground(this);

    /// <summary>Lets go of the signals.</summary>
    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
        _stop.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        context.Cancel = true;
        if (!_isPrograms)
            _stop.Cancel();
    }

    private sealed class Foreground : IDisposable
    {
        private readonly ProgramInterrupts _interrupts;

        public Foreground(ProgramInterrupts interrupts)
        {
            _interrupts = interrupts;
            interrupts._isPrograms = true;
        }

        public void Dispose() => _interrupts._isPrograms = false;
    }
}
