namespace Lanyard.Controller;

/// <summary>Thrown when a record exceeds a limit of the controller. The message names the limit.</summary>
public sealed class ControllerLimitException(string message) : Exception(message);
