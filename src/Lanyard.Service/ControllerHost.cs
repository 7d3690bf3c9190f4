using System.Security.Cryptography;
using Lanyard.Controller;
using Microsoft.Extensions.Logging;

namespace Lanyard.Service;

/// <summary>The service's controller: its records, and the worker that replies to requests of the node.</summary>
/// <param name="logger">The logger for records that are not imported.</param>
/// <param name="loggers">The loggers of the parts.</param>
internal sealed class ControllerHost(ILogger logger, ILoggerFactory? loggers) : IDisposable
{
    private SqliteControllerStore? _store;

    /// <summary>The controller interface for the node. Requests are queued until <see cref="Start"/>.</summary>
    public ControllerWorker Worker { get; } = new(logger: loggers?.CreateLogger<ControllerWorker>());

    /// <summary>The controller; null before <see cref="Start"/>.</summary>
    public NetworkController? Controller { get; private set; }

    /// <summary>Reads the records, and starts to reply to requests.</summary>
    /// <exception cref="ControllerStoreException">The records cannot be read.</exception>
    public void Start(LanyardNode node, string home)
    {
        var identity = StateFiles.ReadIdentity(Path.Combine(home, LanyardFolderStore.IdentityFileName));
        var file = Path.Combine(home, StateFiles.Controller);
        var import = File.Exists(file) ? null : ControllerFolder.Read(Path.Combine(home, StateFiles.ControllerImport), identity.Address,
            (left, reason) => ServiceLog.RecordLeft(logger, left, reason));
        _store = SqliteControllerStore.Open(file, loggers?.CreateLogger<SqliteControllerStore>());
        Controller = new NetworkController(identity, _store, RandomNumberGenerator.Fill, import: import);
        Worker.Start(Controller, node.Send, () => node.Status.ClockMs);
    }

    /// <summary>Writes pending changes and closes the store. The worker must have stopped before.</summary>
    public void Dispose() => _store?.Dispose();
}
