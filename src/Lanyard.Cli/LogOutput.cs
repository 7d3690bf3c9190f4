using System.CommandLine;
using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Lanyard.Cli;

/// <summary>Writes log events to standard error, one line each.</summary>
internal static class LogOutput
{
    /// <summary>The option that says which events.</summary>
    public static Option<LogLevel> LevelOption() => new("--log")
    {
        Description = "Which events are logged to standard error: trace, debug, information, warning, error or none.",
        HelpName = "LEVEL",
        DefaultValueFactory = _ => LogLevel.Warning,
    };

    /// <summary>Makes what loggers come from.</summary>
    public static ILoggerFactory Create(LogLevel level, TextWriter error) => new Factory(level, error);

    private sealed class Factory(LogLevel level, TextWriter error) : ILoggerFactory
    {
        public ILogger CreateLogger(string categoryName) => new Logger(categoryName[(categoryName.LastIndexOf('.') + 1)..], level, error);

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("All events go to standard error.");

        public void Dispose()
        {
        }
    }

    private sealed class Logger(string category, LogLevel level, TextWriter error) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= level && logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel))
                return;
            var text = string.Create(CultureInfo.InvariantCulture, $"{DateTime.UtcNow:HH:mm:ss.fff} {logLevel}: {category}: {formatter(state, exception)}");
            // Loggers are used by any thread; lines stay whole.
            lock (error)
                error.WriteLine(exception is null ? text : $"{text} {exception.GetType().Name}: {exception.Message}");
        }
    }
}
