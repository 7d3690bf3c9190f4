using Microsoft.Extensions.Logging;

namespace Lanyard.Service;

/// <summary>Everything that the service logs.</summary>
internal static partial class ServiceLog
{
    [LoggerMessage(101, LogLevel.Information, "The API is at TCP port {Port} of {Addresses}.")]
    public static partial void ApiStarted(ILogger logger, int port, string addresses);

    [LoggerMessage(102, LogLevel.Warning, "{Setting}. What '{File}' says of it has no effect.")]
    public static partial void SettingWithoutEffect(ILogger logger, string setting, string file);

    [LoggerMessage(103, LogLevel.Information, "'{File}' changed and was read again.")]
    public static partial void ConfigurationRead(ILogger logger, string file);

    [LoggerMessage(104, LogLevel.Error, "What was in force stays: {Message}")]
    public static partial void ConfigurationRefused(ILogger logger, string message);

    [LoggerMessage(105, LogLevel.Warning, "The port and the addresses to bind change at the next start of the service.")]
    public static partial void NextStart(ILogger logger);

    [LoggerMessage(106, LogLevel.Error, "The API could not be opened anew for another setting of allowManagementFrom.")]
    public static partial void ApiNotReopened(ILogger logger, Exception exception);

    [LoggerMessage(107, LogLevel.Error, "The service's settings could not be put into force.")]
    public static partial void ConfigurationFailed(ILogger logger, Exception exception);
}
