using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Lanyard.Cli;

/// <summary>The formats of log events.</summary>
internal enum LogFormat
{
    /// <summary>One line of text each.</summary>
    Text,

    /// <summary>One JSON object each, on a line of its own.</summary>
    Json,
}

/// <summary>Writes log events to standard error, one line each.</summary>
internal static class LogOutput
{
    /// <summary>Creates the option for the lowest level.</summary>
    public static Option<LogLevel> LevelOption() => new("--log")
    {
        Description = "Lowest level of events to log to standard error: trace, debug, information, warning, error or none.",
        HelpName = "LEVEL",
        DefaultValueFactory = _ => LogLevel.Warning,
    };

    /// <summary>Creates the option for the format.</summary>
    public static Option<LogFormat> FormatOption() => new("--log-format")
    {
        Description = "Format of logged events: text, or json with one object per line.",
        HelpName = "text|json",
        DefaultValueFactory = _ => LogFormat.Text,
    };

    /// <summary>Creates the logger factory.</summary>
    public static ILoggerFactory Create(LogLevel level, TextWriter error, LogFormat format = LogFormat.Text) => new Factory(level, format, error);

    private sealed class Factory(LogLevel level, LogFormat format, TextWriter error) : ILoggerFactory
    {
        public ILogger CreateLogger(string categoryName) => new Logger(categoryName[(categoryName.LastIndexOf('.') + 1)..], level, format, error);

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("All events go to standard error.");

        public void Dispose()
        {
        }
    }

    private sealed class Logger(string category, LogLevel level, LogFormat format, TextWriter error) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= level && logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel))
                return;
            var now = DateTime.UtcNow;
            var message = formatter(state, exception);
            var line = format == LogFormat.Json
                ? JsonOutput.ToText(writer => WriteJson(writer, now, logLevel, eventId, message, state as IReadOnlyList<KeyValuePair<string, object?>>, exception))
                : Text(now, logLevel, message, exception);
            // Several threads write events, each a complete line.
            lock (error)
                error.WriteLine(line);
        }

        private string Text(DateTime now, LogLevel logLevel, string message, Exception? exception)
        {
            var text = string.Create(CultureInfo.InvariantCulture, $"{now:HH:mm:ss.fff} {logLevel}: {category}: {message}");
            return exception is null ? text : $"{text} {exception.GetType().Name}: {exception.Message}";
        }

        private void WriteJson(
            Utf8JsonWriter writer, DateTime now, LogLevel logLevel, EventId eventId, string message, IReadOnlyList<KeyValuePair<string, object?>>? values, Exception? exception)
        {
            writer.WriteStartObject();
            writer.WriteString("time", now);
            writer.WriteString("level", logLevel.ToString());
            writer.WriteString("category", category);
            writer.WriteNumber("id", eventId.Id);
            writer.WriteString("event", eventId.Name);
            writer.WriteString("message", message);
            writer.WriteStartObject("values");
            foreach (var (name, value) in values ?? [])
            {
                // The state contains the message template as an additional value.
                if (name != "{OriginalFormat}")
                    WriteValue(writer, name, value);
            }

            writer.WriteEndObject();
            if (exception is not null)
                writer.WriteString("exception", exception.ToString());
            writer.WriteEndObject();
        }

        private static void WriteValue(Utf8JsonWriter writer, string name, object? value)
        {
            switch (value)
            {
                case bool flag:
                    writer.WriteBoolean(name, flag);
                    break;
                case sbyte or byte or short or ushort or int or uint or long:
                    writer.WriteNumber(name, Convert.ToInt64(value, CultureInfo.InvariantCulture));
                    break;
                default:
                    writer.WriteString(name, Convert.ToString(value, CultureInfo.InvariantCulture));
                    break;
            }
        }
    }
}
