using Lanyard.Wire;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lanyard.Controller;

/// <summary>
/// Stores a controller's records in a SQLite file, which only this process and, on Unix, only this user can open. A thread of the store writes changes
/// asynchronously, each batch in one transaction. After a crash of the process or machine the file contains all changes up to some
/// batch, including all that <see cref="FlushAsync"/> waited for. A failed write is logged and retried after at most five seconds.
/// </summary>
public sealed partial class SqliteControllerStore : IControllerStore, IDisposable
{
    private const int MinRetryDelayMs = 100;
    private const int MaxRetryDelayMs = 5_000;
    private const int ClosingAttempts = 3;

    private readonly ControllerDatabase _database;
    private readonly string _path;
    private readonly ILogger _logger;
    private readonly Thread _writer;

    // _lock guards the following fields. The writer takes the pending changes, and writes without the lock.
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly List<(long Sequence, TaskCompletionSource Done)> _flushes = [];
    private PendingChanges _pending = new();
    private long _changeSequence;
    private long _storedSequence;
    private bool _isWriting;
    private volatile bool _healthy = true;
    private volatile bool _isClosing;

    private SqliteControllerStore(ControllerDatabase database, string path, ILogger logger)
    {
        _database = database;
        _path = path;
        _logger = logger;
        _writer = new Thread(WriteBehind) { IsBackground = true, Name = "Controller store" };
    }

    /// <inheritdoc/>
    public bool IsHealthy => _healthy;

    /// <summary>Opens a database, or creates it with mode 0600.</summary>
    /// <param name="path">The path of the file. Its folder must exist.</param>
    /// <param name="logger">The logger for failed writes.</param>
    /// <exception cref="ControllerStoreException">The file is in use, damaged, from a later version, or cannot be opened.</exception>
    public static SqliteControllerStore Open(string path, ILogger<SqliteControllerStore>? logger = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new SqliteControllerStore(ControllerDatabase.Open(path), path, logger ?? NullLogger<SqliteControllerStore>.Instance);
    }

    /// <inheritdoc/>
    public StoredRecords Load()
    {
        var records = _database.Load();
        // From now on, only the writer uses the database.
        lock (_lock)
            _isWriting = true;
        _writer.Start();
        return records;
    }

    /// <inheritdoc/>
    public void Save(NetworkRecord network)
    {
        ArgumentNullException.ThrowIfNull(network);
        lock (_lock)
        {
            _pending.Save(network);
            OnChanged();
        }
    }

    /// <inheritdoc/>
    public void Save(MemberRecord member)
    {
        ArgumentNullException.ThrowIfNull(member);
        lock (_lock)
        {
            _pending.Save(member);
            OnChanged();
        }
    }

    /// <inheritdoc/>
    public void Delete(NetworkId network)
    {
        lock (_lock)
        {
            _pending.Delete(network);
            OnChanged();
        }
    }

    /// <inheritdoc/>
    public void Delete(NetworkId network, NodeAddress member)
    {
        lock (_lock)
        {
            _pending.Delete(network, member);
            OnChanged();
        }
    }

    /// <inheritdoc/>
    public void SaveSignedUntil(long timeMs)
    {
        lock (_lock)
        {
            _pending.SignedUntilMs = timeMs;
            OnChanged();
        }
    }

    /// <inheritdoc/>
    public Task FlushAsync(CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            if (_storedSequence >= _changeSequence)
                return Task.CompletedTask;
            if (!_isWriting)
            {
                return Task.FromException(new ControllerStoreException(
                    $"The controller's database {_path} is not open for writing: it is closed, or its records are not loaded yet."));
            }

            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _flushes.Add((_changeSequence, done));
            return done.Task.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Writes pending changes and closes the file. Changes that cannot be written after three attempts are lost and logged.</summary>
    public void Dispose()
    {
        if (_isClosing)
            return;
        _isClosing = true;
        Wake();
        if (_writer.IsAlive)
            _writer.Join();
        _database.Dispose();
        lock (_lock)
            _wake.Dispose();
    }

    private void OnChanged()
    {
        _changeSequence++;
        if (!_isClosing)
            Wake();
    }

    private void Wake()
    {
        lock (_lock)
        {
            if (_wake.CurrentCount == 0)
                _wake.Release();
        }
    }

    private void WriteBehind()
    {
        var failures = 0;
        while (true)
        {
            // After a failure, new changes are written with the next attempt.
            if (failures == 0)
                _wake.Wait();
            else
                Pause(Math.Min(MaxRetryDelayMs, MinRetryDelayMs << Math.Min(failures - 1, 10)));
            var isClosing = _isClosing;
            PendingChanges changes;
            long sequence;
            lock (_lock)
            {
                changes = _pending;
                sequence = _changeSequence;
                _pending = new PendingChanges();
            }

            var error = changes.IsEmpty ? null : TryWrite(changes);
            failures = error is null ? 0 : failures + 1;
            Finish(changes, sequence, error);
            if (!isClosing || (error is not null && failures < ClosingAttempts))
                continue;
            End(error);
            return;
        }
    }

    private void End(ControllerStoreException? error)
    {
        List<TaskCompletionSource> waiting;
        int lost;
        lock (_lock)
        {
            _isWriting = false;
            lost = _pending.Count;
            waiting = _flushes.ConvertAll(flush => flush.Done);
            _flushes.Clear();
        }

        if (lost > 0)
            LogLost(error, lost, _path);
        foreach (var done in waiting)
            done.TrySetException(new ControllerStoreException($"The controller's database {_path} was closed before the change was stored."));
    }

    private void Pause(int milliseconds)
    {
        var end = Environment.TickCount64 + milliseconds;
        while (!_isClosing && Environment.TickCount64 < end)
            _wake.Wait(TimeSpan.FromMilliseconds(Math.Max(1, end - Environment.TickCount64)));
    }

    private ControllerStoreException? TryWrite(PendingChanges changes)
    {
        try
        {
            _database.Write(changes);
            return null;
        }
        catch (ControllerStoreException e)
        {
            LogFailed(e, changes.Count, e.Message);
            return e;
        }
    }

    private void Finish(PendingChanges changes, long sequence, ControllerStoreException? error)
    {
        List<TaskCompletionSource> waiting = [];
        lock (_lock)
        {
            _healthy = error is null;
            if (error is null)
                _storedSequence = sequence;
            else
                _pending.AddEarlier(changes);
            for (var i = _flushes.Count - 1; i >= 0; i--)
            {
                if (_flushes[i].Sequence > sequence)
                    continue;
                waiting.Add(_flushes[i].Done);
                _flushes.RemoveAt(i);
            }
        }

        foreach (var done in waiting)
        {
            if (error is null)
                done.TrySetResult();
            else
                done.TrySetException(new ControllerStoreException(error.Message, error));
        }
    }

    [LoggerMessage(301, LogLevel.Error, "Could not store {Count} changes; retrying. {Reason}")]
    private partial void LogFailed(Exception error, int count, string reason);

    [LoggerMessage(302, LogLevel.Critical, "Lost {Count} changes that could not be stored in {Path}.")]
    private partial void LogLost(Exception? error, int count, string path);
}
